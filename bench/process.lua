--- Processes and teams, against os.execute, all that Lua has, and luaposix
-- where it is installed.
local neap = require "neap"

local WORKERS = 2
local has_unistd, unistd = pcall(require, "posix.unistd")
local has_wait, wait = pcall(require, "posix.sys.wait")

local function nothing() end

local function fork_ours(n)
  for _ = 1, n do assert(neap.fork(nothing)):wait() end
end

local function run_ours(n)
  for _ = 1, n do neap.run(WORKERS, nothing) end
end

local function execute(n)
  for _ = 1, n do os.execute(":") end
end

local function fork_posix(n)
  for _ = 1, n do
    local pid = unistd.fork()
    if pid == 0 then unistd._exit(0) end
    wait.wait(pid)
  end
end

return function(bench)
  local peers = {{"os.execute, one shell", execute}}
  if has_unistd and has_wait then
    peers[2] = {"luaposix fork, wait", fork_posix}
  end
  bench:row_free("fork and wait", "us", {"neap", fork_ours},
    table.unpack(peers))
  bench:row_free("run a function in 2 workers", "us", {"neap", run_ours},
    peers[1])
end
