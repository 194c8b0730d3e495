--- What the sub-commands print: tables for people, JSON for programs, and
-- sentences when something went wrong.

local core = require "neap.core"

local out = {}

-- Failures -------------------------------------------------------------------

local Failure = {}

--- End the command: "neap: text" on stderr, exit status 1.
function out.fail(text)
  error(setmetatable({text = text}, Failure), 0)
end

--- The text of what fail() raised, nil for anything else.
function out.failure(raised)
  return getmetatable(raised) == Failure and raised.text or nil
end

--- Tell of a failure and go on.
function out.complain(text)
  io.stderr:write("neap: ", text, "\n")
end

-- For people -----------------------------------------------------------------

local codes = {bold = "1", dim = "2", red = "31", green = "32", yellow = "33"}

local is_coloured = core.terminal(1) and os.getenv("TERM") ~= "dumb"
  and (os.getenv("NO_COLOR") or "") == ""

--- The text in that style, where stdout is a terminal.
function out.styled(text, style)
  if not is_coloured or not style then return text end
  return ("\27[%sm%s\27[0m"):format(codes[style], text)
end

--- A name as it can be shown: whatever would steer a terminal is written out.
function out.printable(name)
  return (name:gsub("%c", function(c) return ("\\x%02x"):format(c:byte()) end))
end

local units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

--- Bytes as people read them: "96 B", "1.5 MiB", "64 GiB".
function out.size(bytes)
  if bytes < 1024 then return ("%d B"):format(bytes) end
  local at = 0
  repeat
    bytes, at = bytes / 1024, at + 1
  until bytes < 1023.95 or at == #units
  return (("%.1f"):format(bytes):gsub("%.0$", "")) .. " " .. units[at]
end

--- Permission bits: "0600".
function out.mode(mode)
  return ("%04o"):format(mode)
end

--- "1 heap", "2 heaps".
function out.count(n, noun)
  return ("%d %s%s"):format(n, noun, n == 1 and "" or "s")
end

local owners

local function read_owners()
  owners = {}
  local passwd = io.open("/etc/passwd")
  if not passwd then return end
  for line in passwd:lines() do
    local name, uid = line:match("^([^:]+):[^:]*:(%d+):")
    if name then owners[tonumber(uid)] = owners[tonumber(uid)] or name end
  end
  passwd:close()
end

--- The name of that user, or the number.
function out.owner(uid)
  if not owners then read_owners() end
  return owners[uid] or tostring(uid)
end

local function width_of(text)
  return utf8.len(text) or #text
end

local function cell_text(cell)
  return type(cell) == "table" and cell[1] or cell
end

local function widths_of(columns, rows)
  local widths = {}
  for i, column in ipairs(columns) do
    widths[i] = width_of(column[1])
    for _, row in ipairs(rows) do
      widths[i] = math.max(widths[i], width_of(cell_text(row[i])))
    end
  end
  return widths
end

local function padded(cell, column, width, is_last)
  local text, style = cell_text(cell), type(cell) == "table" and cell[2]
  local space = (" "):rep(width - width_of(text))
  text = out.styled(text, style)
  if column.right then return space .. text end
  return is_last and text or text .. space
end

local function print_row(columns, widths, row)
  local cells = {}
  for i, column in ipairs(columns) do
    cells[i] = padded(row[i], column, widths[i], i == #columns)
  end
  print(table.concat(cells, "  "))
end

--- An aligned table. Columns are {"HEAD"} or {"HEAD", right = true}; cells are
-- texts, or {text, style}.
function out.table(columns, rows)
  local widths, heads = widths_of(columns, rows), {}
  for i, column in ipairs(columns) do heads[i] = {column[1], "bold"} end
  print_row(columns, widths, heads)
  for _, row in ipairs(rows) do print_row(columns, widths, row) end
end

-- For programs ---------------------------------------------------------------

local is_list = {__jsontype = "array"}

--- Mark a table as a list, for it may be empty.
function out.list(items)
  return setmetatable(items or {}, is_list)
end

local function collect_keys(value, keys)
  for key, item in pairs(value) do
    if type(key) == "string" then keys[key] = true end
    if type(item) == "table" then collect_keys(item, keys) end
  end
end

--- Every key in it, sorted, so that the same thing is always told the same way.
local function sorted_keys(value)
  local keys, order = {}, {}
  collect_keys(value, keys)
  for key in pairs(keys) do order[#order + 1] = key end
  table.sort(order)
  return order
end

--- Print a value as JSON.
function out.json(value)
  local found, json = pcall(require, "dkjson")
  if not found then
    out.fail("--json needs the dkjson library: apt install lua-dkjson, "
             .. "or luarocks install dkjson")
  end
  print(json.encode(value, {indent = true, keyorder = sorted_keys(value)}))
end

return out
