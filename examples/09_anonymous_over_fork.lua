-- Memory without a name, shared with children alone; a part of it is locked
-- away by the processor's memory protection.
--
--     neap 09_anonymous_over_fork.lua

local neap = require "neap"

local PAGE = 4096

local segment = assert(neap.segment.create("anonymous:", 2 * PAGE))  -- mmap
local map = assert(segment:map())
segment:close()

map:write(0, "i32", 20)
neap.fork(function()                                    -- the same memory
  map:write(0, "i32", map:read(0, "i32") + 22)
end):wait()
print(("the child made it %d"):format(map:read(0, "i32")))

assert(map:protect("r", PAGE, PAGE))                    -- mprotect
local function try(offset)
  return pcall(map.write_bytes, map, offset, "x") and "OK" or "EACCES"
end
print(("first page: %s, second page: %s"):format(try(0), try(PAGE)))
map:close()                                             -- munmap: it is gone
