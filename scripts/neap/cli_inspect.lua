--- What the prompt shows of a value, and how it completes a name.

local inspect = {}

local ITEMS, DEPTH = 20, 3 -- of a table: how many, how deep

-- Showing --------------------------------------------------------------------

local function by_kind_and_value(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a ~= kind_b then return kind_a < kind_b end
  if kind_a == "number" or kind_a == "string" then return a < b end
  return tostring(a) < tostring(b)
end

local function sorted_keys(value, from)
  local keys = {}
  for key in next, value do
    if math.type(key) ~= "integer" or key < 1 or key > from then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, by_kind_and_value)
  return keys
end

local item_text

local function table_text(value, depth)
  if depth == 0 then return "{...}" end
  local texts, length = {}, rawlen(value)
  for i = 1, math.min(length, ITEMS) do
    texts[i] = item_text(rawget(value, i), depth - 1)
  end
  local keys = sorted_keys(value, length)
  for i = 1, math.min(#keys, ITEMS - #texts) do
    local key = keys[i]
    local name = type(key) == "string" and key:find("^[%a_][%w_]*$") and key
      or "[" .. item_text(key, 1) .. "]"
    texts[#texts + 1] = name .. " = " .. item_text(rawget(value, key),
                                                   depth - 1)
  end
  if length + #keys > #texts then
    texts[#texts + 1] = ("... %d more"):format(length + #keys - #texts)
  end
  return "{" .. table.concat(texts, ", ") .. "}"
end

function item_text(value, depth)
  if type(value) == "string" then
    return (("%q"):format(value):gsub("\\\n", "\\n"):gsub("\\(%d+)",
      function(digits) return ("\\x%02x"):format(tonumber(digits)) end))
  elseif type(value) == "table" and not getmetatable(value) then
    return table_text(value, depth)
  end
  return tostring(value)
end

--- A result: strings as they are, tables with what is in them.
function inspect.text(value)
  if type(value) == "string" then return value end
  return item_text(value, DEPTH)
end

-- Completing -----------------------------------------------------------------

local keywords = {
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function",
  "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return", "then",
  "true", "until", "while",
}

--- Where the names of a value are found, without calling anything: itself, if
-- it is a table, and its metatable's __index, if that is one.
local function places(value)
  local found = {}
  if type(value) == "table" then found[1] = value end
  local meta = debug.getmetatable(value)
  local index = meta and rawget(meta, "__index")
  if type(index) == "table" then
    found[#found + 1] = index
  elseif type(index) == "function" then -- arrays keep their methods in it
    local _, methods = debug.getupvalue(index, 1)
    if type(methods) == "table" then found[#found + 1] = methods end
  end
  return found
end

local function field(value, name)
  for _, place in ipairs(places(value)) do
    local found = rawget(place, name)
    if found ~= nil then return found end
  end
  return nil
end

local function names_in(value, start, wants_method)
  local names = {}
  for _, place in ipairs(places(value)) do
    for name, item in next, place do
      if type(name) == "string" and name:find("^[%a_][%w_]*$")
         and name:sub(1, #start) == start
         and not (start == "" and name:sub(1, 2) == "__")
         and (not wants_method or type(item) == "function") then
        names[#names + 1] = name
      end
    end
  end
  return names
end

--- What a word such as "neap.seg" or "heap:cou" may go on to.
function inspect.complete(word)
  local path, separator, start = word:match("^(.-)([.:]?)([%w_]*)$")
  local value = _G
  for name in path:gmatch("[^.:]+") do value = field(value, name) end
  if value == nil or path ~= "" and separator == "" then return {} end

  local matches = {}
  for i, name in ipairs(names_in(value, start, separator == ":")) do
    matches[i] = path .. separator .. name
  end
  if path == "" and separator == "" then
    for _, keyword in ipairs(keywords) do
      if keyword:sub(1, #start) == start then
        matches[#matches + 1] = keyword
      end
    end
  end
  table.sort(matches)
  return matches
end

return inspect
