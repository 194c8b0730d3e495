--- neap maps: the address space of a process.

local neap = require "neap"
local out = require "neap.cli_out"

local maps = {}

function maps.describe(command)
  command:summary "Show what a process has mapped."
  command:description(
    "List the mappings of a process: what they are, how much of them is in "
    .. "memory, how much of that other processes have in memory, too, and how "
    .. "much is dirty or swapped. Without a process, those of this command.")
  command:argument("pid", "The number of a process."):args "?"
  command:flag("-s --shared", "Only what others can share.")
end

local columns = {
  {"ADDRESS", right = true}, {"SIZE", right = true}, {"PROT"}, {"KIND"},
  {"RESIDENT", right = true}, {"OTHERS TOO", right = true},
  {"DIRTY", right = true}, {"SWAPPED", right = true}, {"NAME"},
}

local function size(bytes)
  return bytes > 0 and out.size(bytes) or {"-", "dim"}
end

local styles = {
  posix = "green", sysv = "green", memfd = "green", anonymous = "green",
  kernel = "dim", private = "dim",
}

--- An address above 2^63 is a float in Lua.
local function hexadecimal(address)
  return ("%x"):format(math.tointeger(address)
                       or math.tointeger(address - 2.0 ^ 64))
end

local function row_of(item)
  local name = out.printable(item.name or "")
  if item.deleted then name = name .. " (deleted)" end
  return {
    hexadecimal(item.address), out.size(item.size),
    item.protection .. (item.shared and "s" or "p"),
    {item.kind, item.shared and styles[item.kind] or "dim"},
    size(item.resident), size(item.others), size(item.dirty),
    size(item.swapped), name,
  }
end

local function sum(list, key)
  local total = 0
  for _, item in ipairs(list) do total = total + item[key] end
  return total
end

function maps.run(args)
  local pid = args.pid and math.tointeger(tonumber(args.pid))
  if args.pid and not pid then
    out.fail(("'%s' is not the number of a process"):format(args.pid))
  end
  local list, why = neap.maps(pid)
  if not list then out.fail(why) end
  local kept = out.list()
  for _, item in ipairs(list) do
    if item.shared or not args.shared then kept[#kept + 1] = item end
  end
  if args.json then
    out.json(kept)
    return 0
  end
  local rows = {}
  for i, item in ipairs(kept) do rows[i] = row_of(item) end
  if #rows > 0 then out.table(columns, rows) end
  print(("%s: %s mapped, %s in memory, %s of it in that of others, too"):format(
    out.count(#kept, "mapping"), out.size(sum(kept, "size")),
    out.size(sum(kept, "resident")), out.size(sum(kept, "others"))))
  return 0
end

return maps
