-- POSIX shared memory, step by step: made once, opened by name, resized, and
-- unlinked while in use.
--
--     neap 10_posix.lua

local neap = require "neap"

local name = "example-10-" .. tostring({}):match("0x(%x+)")
local segment = assert(neap.segment.create(name, 4096, {mode = "0640"}))
print("a second time: " .. select(3, neap.segment.create(name, 1))) -- O_EXCL
assert(segment:resize(8192))                                 -- ftruncate
local stat = assert(segment:stat())                          -- fstat
print(("%d bytes, mode %04o"):format(stat.size, stat.mode))

local map = assert(segment:map())                            -- mmap
local other = assert(neap.segment.open(name, {read_only = true}))
local theirs = assert(other:map("r"))
assert(segment:unlink())                                     -- shm_unlink
map:write_bytes(8000, "still")
print(("%s shared, by name %s"):format(theirs:bytes(8000, 5),
                                       select(3, neap.unlink(name))))
theirs:close()                                               -- munmap
map:close()
