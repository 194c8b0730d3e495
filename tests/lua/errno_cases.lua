--- The cases of tests/errno/table.tsv in Lua: what a row's expression may use, and
-- what is claimed of its answer.

local neap = require "neap"
local support = require "support"

local cases = {}

--- The rows, as tables by the names of the columns.
function cases.read(path)
  local rows, columns = {}, nil
  for line in io.lines(path) do
    local fields = {}
    for field in (line .. "\t"):gmatch("([^\t]*)\t") do
      fields[#fields + 1] = field
    end
    if not columns and line:sub(1, 1) ~= "#" then
      columns = fields
    elseif columns then
      local row = {}
      for i, name in ipairs(columns) do row[name] = fields[i] end
      rows[#rows + 1] = row
    end
  end
  return rows
end

local SIZE = 16384

--- What the expressions call. `made` collects what is to be removed.
local function environment(there, open_to_all)
  local made, count = {}, 0
  local env = setmetatable({neap = neap, there = there,
                            open_to_all = open_to_all}, {__index = _G})
  function env.at(kind)
    count = count + 1
    local label = "errno" .. count
    local address = kind == "posix" and support.name(label)
                    or kind == "sysv" and support.sysv(count)
                    or kind == "file" and "file:" .. support.path(label)
                    or kind .. ":"
    made[#made + 1] = address
    return address
  end
  function env.new(kind, size)
    return assert(neap.segment.create(env.at(kind), size or SIZE))
  end
  function env.ro(kind)
    return assert(neap.segment.open(env.new(kind):address(),
                                    {read_only = true}))
  end
  function env.view(kind)
    return assert(env.new(kind):map())
  end
  function env.mapped(kind)
    local segment = env.new(kind)
    made.mapping = assert(segment:map())
    return segment
  end
  function env.viewed(kind)
    local mapping = env.view(kind)
    made.array = assert(mapping:array("i4", 10))
    return mapping
  end
  function env.guarded(prot)
    local mapping = env.view("posix")
    assert(mapping:protect(prot))
    return mapping
  end
  function env.resize_view(length)
    local segment = env.new("posix")
    return assert(segment:map()):resize(segment, length)
  end
  function env.lap(kind)
    return assert(env.new(kind):overlay {zone = 8192, frames = 2})
  end
  function env.full_lap()
    local lap = env.lap("posix")
    made.parts = {assert(lap:load(0, 16)), assert(lap:load(4096, 16))}
    return lap
  end
  function env.shut(thing)
    thing:close()
    return thing
  end
  function env.sealed(...)
    local segment = env.new("memfd")
    assert(segment:seal(...))
    return segment
  end
  function env.unlinked(kind)
    local segment = env.new(kind)
    assert(segment:unlink())
    return segment
  end
  function env.gone()
    return env.unlinked("sysv")
  end
  function env.path(label)
    return support.path(label)
  end
  function env.file(label, bytes)
    made[#made + 1] = "file:" .. support.path(label)
    return support.file(label, bytes)
  end
  function env.dangling()
    local path = support.path("dangling")
    assert(os.execute("ln -s /nowhere/at/all " .. path))
    made.link = path
    return path
  end
  function env.checkpoint()
    local path = support.path("x.ckpt")
    assert(neap.heap():checkpoint(path))
    made[#made + 1] = "file:" .. path
    return path
  end
  function env.cut_checkpoint()
    local path = env.checkpoint()
    return env.file("cut", support.read(path):sub(1, -100))
  end
  function env.named_heap()
    return assert(neap.open(env.at("posix")))
  end
  return env, made
end

local function remove(made)
  for _, address in ipairs(made) do
    if not address:find("^[ma]%w+:$") then neap.unlink(address) end
  end
  if made.link then os.remove(made.link) end
end

-- What Lua raises as misuse has no code.
local raised = {EINVAL = true, ERANGE = true, ECLOSED = true, EACCES = true}
local also = {ENOTSUP = "EOPNOTSUPP"}

local function judge(row, ok, result, text, code)
  if ok and result then error("it succeeded: " .. tostring(result)) end
  if not ok then
    text, code = tostring(result), raised[row.errno] and row.errno or "an error"
  end
  if code ~= row.errno and code ~= also[row.errno] then
    error(("%s expected, got %s: %s"):format(row.errno, code, text))
  end
  for words in (row.words .. " & "):gmatch("(.-) & ") do
    if not text:find(words, 1, true) then
      error(("no '%s' in: %s"):format(words, text))
    end
  end
end

--- Run a row's expression and claim what the table says.
function cases.run(row, there, open_to_all)
  local env, made = environment(there, open_to_all)
  local run = assert(load("return " .. row.lua, row.case, "t", env))
  local answer = table.pack(pcall(run))
  collectgarbage()
  local ok, wrong = pcall(judge, row, table.unpack(answer, 1, 4))
  remove(made)
  if not ok then error(wrong, 0) end
end

return cases
