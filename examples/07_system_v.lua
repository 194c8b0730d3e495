-- System V shared memory, step by step: a key that stands for a file, a
-- segment of that key, and what becomes of it when it is removed in use.
--
--     neap 07_system_v.lua

local neap = require "neap"

local key = assert(neap.ftok(arg[1] or "/etc/passwd", 42))   -- ftok
local segment = assert(neap.segment.create(key, 4096))       -- shmget
local map = assert(segment:map())                            -- shmat
map:write_bytes(0, "hello")

-- Whoever knows the file finds the segment; this one may only look.
local other = assert(neap.segment.open(key, {read_only = true}))
local theirs = assert(other:map("r"))
local written = pcall(theirs.write_bytes, theirs, 0, "J")
print(("read %s, write %s"):format(theirs:bytes(0, 5),
                                   written and "OK" or "EACCES"))

assert(segment:unlink())                                     -- shmctl(IPC_RMID)
local stat = assert(segment:stat())                          -- shmctl(IPC_STAT)
print(("removed: %s, attached: %d"):format(stat.removed and "yes" or "no",
                                           stat.attached))

theirs:close()                                               -- shmdt
map:close()                                                  -- the last
print((select(3, segment:stat())))
