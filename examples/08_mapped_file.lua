-- A mapped file: what is written to memory is in the file, it grows while it
-- is mapped, a private view keeps its changes to itself, a hole costs nothing.
--
--     neap 08_mapped_file.lua

local neap = require "neap"

local PAGE = 4096

local file = assert(neap.segment.create("file:08.bin", 2 * PAGE))  -- open
local map = assert(file:map())                                     -- mmap
map:write_bytes(0, "hello")
assert(map:sync())                                                 -- msync
local plain <close> = assert(io.open("08.bin"))
print("the file says " .. plain:read(5))

assert(file:resize(4 * PAGE))                                      -- ftruncate
local more = assert(file:map{offset = 3 * PAGE, length = 5})
more:write_bytes(0, "grown")

local mine = assert(file:map{private = true})                      -- MAP_PRIVATE
mine:write_bytes(0, "mine!")
print("others still see " .. map:bytes(0, 5))

assert(file:punch(0, PAGE))                             -- FALLOC_FL_PUNCH_HOLE
print(("first byte %d, last word %s"):format(map:read(0, "u8"), more:bytes()))

mine:close()                                                       -- munmap
more:close()
map:close()
assert(file:unlink())                                              -- unlink
