-- News that nobody can change: a memory file, sealed, given to a process over a
-- Unix socket.
--
--     neap 11_memfd.lua

local neap = require "neap"

local reader = neap.fork(function()             -- any other process will do
  local news = assert(neap.segment.take("11.sock", 10))
  print(("read %s, write %s"):format(news:map("r"):bytes(0, 5),
                                     select(3, news:map("rw"))))
end)

local news = assert(neap.segment.create("memfd:news", 4096)) -- memfd_create
local map = assert(news:map())
map:write_bytes(0, "hello")
map:close()
assert(news:seal("write", "grow", "shrink"))                 -- F_ADD_SEALS
assert(news:give("11.sock", 10))                             -- SCM_RIGHTS
reader:wait()
print("resize " .. (news:resize(8192) and "done" or "refused"))
