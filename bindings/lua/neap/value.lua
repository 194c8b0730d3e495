--- Values between processes: what a worker returns, as bytes and back.
--
-- The bytes are MessagePack's, by the lua-messagepack library. Three things
-- are done here rather than there: what cannot travel is told with its place
-- ("a function in .list[2]"), a table that contains itself is an error and
-- not an endless loop, and a table whose keys are not exactly 1..n is always
-- written as a map, whatever numbers its keys are.
--
-- A copy of the library is loaded for neap alone, so that its settings cannot
-- be changed under us. Debian installs it for Lua 5.1 to 5.3 only, though it
-- runs on 5.4; so that place is looked at too.
--
-- @module neap.value

local value = {}

local DEBIAN = "/usr/share/lua/5.3/?.lua"
local MISSING = "neap.run and neap.fork need the MessagePack library: "
  .. "apt install lua-messagepack, or luarocks install lua-messagepack"

local function load_messagepack()
  local path = package.searchpath("MessagePack", package.path .. ";" .. DEBIAN)
  if path then return assert(loadfile(path))() end
  local found, library = pcall(require, "MessagePack")
  if not found then error(MISSING, 0) end
  return library
end

local plain = {
  ["nil"] = true, boolean = true, number = true, string = true, table = true,
}

--- What in `what` cannot travel: nil, or words such as "a function in .f".
local function obstacle(what, place, above)
  local kind = type(what)
  if not plain[kind] then
    return "a " .. kind .. (place ~= "" and " (in " .. place .. ")" or "")
  end
  if kind ~= "table" then return nil end
  if above[what] then
    return "a table that contains itself"
      .. (place ~= "" and " (in " .. place .. ")" or "")
  end

  above[what] = true
  for key, item in next, what do
    local at = type(key) == "string" and key:match("^[%a_][%w_]*$")
      and place .. "." .. key or place .. "[" .. tostring(key) .. "]"
    local found = obstacle(key, "a key of " .. (place ~= "" and place
                                                or "the table"), above)
      or obstacle(item, at, above)
    if found then return found end
  end
  above[what] = nil
  return nil
end

--- How many keys there are, and whether they are the integers 1 to n.
local function count_keys(what)
  local count, list = 0, true
  for key in next, what do
    count = count + 1
    list = list and math.type(key) == "integer"
  end
  for i = 1, list and count or 0 do
    if rawget(what, i) == nil then return count, false end
  end
  return count, list
end

local library

local function messagepack()
  if library then return library end
  local loaded = load_messagepack()
  local packers = loaded.packers
  loaded.set_number "double"
  loaded.set_integer "signed"
  packers["table"] = function(buffer, what)
    local count, list = count_keys(what)
    if list then return packers.array(buffer, what, count) end
    local bare = {} -- for the library uses pairs, which asks metatables
    for key, item in next, what do bare[key] = item end
    return packers.map(buffer, bare, count)
  end
  library = loaded
  return library
end

--- Make sure that values can travel at all.
function value.prepare()
  messagepack()
end

--- The bytes of a plain value, or nil and what in it is not plain.
function value.pack(what)
  local found = obstacle(what, "", {})
  if found then return nil, found end
  return messagepack().pack(what)
end

--- The value of such bytes.
function value.unpack(bytes)
  return messagepack().unpack(bytes)
end

return value
