--- What the tests of the Lua binding share: registering, names that are
-- cleaned up after, and the look for what a test left behind.

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."

local support = {root = here .. "/../.."}

local build = os.getenv("NEAP_BUILD") or support.root .. "/build"
local paths = {
  LUA_PATH = build .. "/lua/?.lua;" .. build .. "/lua/?/init.lua;;",
  LUA_CPATH = build .. "/lua/?.so;;",
}
package.path = paths.LUA_PATH:sub(1, -2) .. package.path
package.cpath = paths.LUA_CPATH:sub(1, -2) .. package.cpath

-- Registering ----------------------------------------------------------------

local registered

--- Register a test; its name is a sentence.
function support.test(name, run)
  registered[#registered + 1] = {name = name, run = run}
end

function support.tests_of(file)
  registered = {}
  assert(loadfile(file))()
  return registered
end

-- Names ----------------------------------------------------------------------

local own_pid

--- The number of the process that runs the test (in its children too).
function support.pid()
  if not own_pid then
    local stat = assert(io.open("/proc/self/stat"))
    own_pid = stat:read("n")
    stat:close()
  end
  return own_pid
end

--- A POSIX name that no other test has.
function support.name(label)
  return ("neap-test-%d-%s"):format(support.pid(), label)
end

local function first_key(pid)
  return 0x6e000000 + (pid or support.pid()) % 65536 * 256
end

--- A System V address that no other test has.
function support.sysv(number)
  return ("sysv:%d"):format(first_key() + (number or 0))
end

local directory

--- A path in a directory that no other test has.
function support.path(label)
  if not directory then
    directory = ("/tmp/neap-test-%d"):format(support.pid())
    -- One that is there was left by a killed one of the same number.
    assert(os.execute(("rm -rf %s && mkdir %s"):format(directory, directory)))
  end
  return directory .. "/" .. label
end

--- Write a file there and tell its path.
function support.file(label, bytes)
  local path = support.path(label)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

function support.read(path)
  local file = io.open(path, "rb")
  local bytes = file and file:read("a")
  if file then file:close() end
  return bytes
end

-- Claims ---------------------------------------------------------------------

--- The function raises an error that has these words in it.
function support.raises(words, run, ...)
  local ok, raised = pcall(run, ...)
  if ok then error("no error; one with '" .. words .. "' was expected", 2) end
  if not tostring(raised):find(words, 1, true) then
    error("the error does not say '" .. words .. "': " .. tostring(raised), 2)
  end
  return raised
end

-- One number of errno that has two names.
local also = {ENOTSUP = "EOPNOTSUPP"}

--- The call failed as the world fails: nil, a sentence, this code.
function support.fails(expected, result, text, code)
  if result ~= nil then error("no failure; got " .. tostring(result), 2) end
  if code ~= expected and (code == nil or code ~= also[expected]) then
    error(("%s expected, got %s: %s"):format(expected, code, text), 2)
  end
  if type(text) ~= "string" or #text < 10 then
    error("no sentence: " .. tostring(text), 2)
  end
  return text
end

local clock

--- Wait until a condition holds, and tell what it gave.
function support.eventually(condition, what)
  local neap = require "neap"
  local deadline = neap.now() + 30
  clock = clock or neap.heap():semaphore("never", 0)
  while true do
    local result = condition()
    if result then return result end
    if neap.now() > deadline then
      error("in vain waited for " .. (what or "a condition"), 2)
    end
    clock:acquire(0.005)
  end
end

-- Other processes ------------------------------------------------------------

--- Wait until a process sleeps.
function support.asleep(process)
  support.eventually(function()
    local stat = support.read(("/proc/%d/stat"):format(process.pid))
    return stat and stat:match("^%d+ %b() (%a)") == "S"
  end, "a process to sleep")
end

--- A process that calls `wait`, and has gone to sleep there.
function support.waiter(heap, wait, ...)
  local neap = require "neap"
  local ready = heap:semaphore("waiter is ready", 0)
  local process = assert(neap.fork(function(...)
    ready:release()
    return table.pack(wait(...))
  end, ...))
  ready:acquire()
  support.asleep(process)
  return process
end

--- What such a `wait` returned.
function support.answer(process)
  local ok, result = process:wait(30)
  if not ok then error("no answer: " .. tostring(result), 2) end
  return table.unpack(result, 1, result.n)
end

--- A process that has called `hold` and goes on until it is killed.
function support.holder(heap, hold, ...)
  local neap = require "neap"
  local ready = heap:semaphore("holder is ready", 0)
  local process = assert(neap.fork(function(...)
    hold(...)
    ready:release()
    heap:semaphore("never", 0):acquire()
  end, ...))
  ready:acquire()
  return process
end

--- SIGKILL, and wait for the end.
function support.kill(process)
  assert(process:kill("SIGKILL"))
  assert(process:status(30))
end

--- A shell command that runs a script with neap to be found.
function support.command(source, label)
  local path = support.file((label or "script") .. ".lua", source)
  return ("LUA_PATH='%s' LUA_CPATH='%s' '%s' %s"):format(
    paths.LUA_PATH, paths.LUA_CPATH, arg[-1], path)
end

--- Run a shell command: its output and exit code.
function support.shell(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1"))
  local output = pipe:read("a")
  local _, _, code = pipe:close()
  return output, code
end

--- Run a script in a new process: its output and exit code.
function support.script(source)
  return support.shell(support.command(source))
end

-- Running --------------------------------------------------------------------

local function listing(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a"):gsub("%s+$", ""):gsub("\n", " ")
  pipe:close()
  return text ~= "" and text or nil
end

--- Counted by a shell that writes to a file: the pipe of a popen would count.
local function descriptors()
  local path = support.path("descriptors")
  os.execute(("ls /proc/%d/fd | wc -l > %s"):format(support.pid(), path))
  return support.read(path):match("%d+")
end

local function children()
  local pid = support.pid()
  local text = support.read(("/proc/%d/task/%d/children"):format(pid, pid))
  return text and text:match("%d+")
end

local function segments()
  return listing("ls /dev/shm | grep -F neap-test-" .. support.pid() .. "-")
end

local function keys(pid)
  local first = first_key(pid)
  return listing(("awk '$1 >= %d && $1 < %d { print $1 }' /proc/sysvipc/shm")
    :format(first, first + 256))
end

--- Take away what a test that failed or died may have left.
function support.clean_up(pid)
  os.execute(("rm -rf /dev/shm/neap-test-%d-* /tmp/neap-test-%d")
    :format(pid, pid))
  for key in (keys(pid) or ""):gmatch("%d+") do
    os.execute("ipcrm -M " .. key)
  end
end

--- What was left behind, or nil.
local function leftovers(before)
  clock = nil
  collectgarbage()
  collectgarbage()
  local left = children()
  if left then return "a child was left behind: " .. left end
  left = segments()
  if left then return "left behind in /dev/shm: " .. left end
  left = keys()
  if left then return "System V segments were left behind: " .. left end
  left = descriptors()
  if left ~= before then
    return ("descriptors were left open: %s before, %s after"):format(
      before, left)
  end
end

--- A full collection every few instructions, in coroutines too.
local function make_hostile()
  local function collect() collectgarbage() end
  local create = coroutine.create
  coroutine.create = function(run)
    local thread = create(run)
    debug.sethook(thread, collect, "", 200)
    return thread
  end
  debug.sethook(collect, "", 200)
end

--- Run a test here; nil, or what went wrong.
function support.run(test, hostile)
  require "neap" -- what it opens is not the test's
  support.path("") -- makes the directory
  local before = descriptors()
  if hostile then make_hostile() end
  local ok, text = xpcall(test.run, function(raised)
    return debug.traceback(type(raised) == "table" and raised.msg
                           or tostring(raised), 2)
  end)
  debug.sethook()
  local left = leftovers(before)
  if not ok then return text end
  return left
end

return support
