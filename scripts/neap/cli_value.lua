--- neap get and neap set: one value of a heap.

local heaps = require "neap.cli_heap"
local out = require "neap.cli_out"

local value = {get = {}, set = {}}

local function to_index(text)
  local index = math.tointeger(tonumber(text))
  if index then return index end
  return nil, ("an index is a whole number, not '%s'"):format(text)
end

local function add_common(command)
  command:argument("heap", "A heap: sky, sysv:5678, ./results.neap.")
  command:argument("name", "The object's name.")
end

local function add_indices(command)
  command:argument("index", "Of an array: one for each dimension, from 1 as "
                   .. "in Lua."):args "*":convert(to_index)
end

--- What an object raises is a mistake of the command line: say it so.
local function fail_of(raised, what)
  local why = raised:match("^bad argument #%d+ to '[^']*' %((.*)%)$")
  out.fail(why and what .. ": " .. why or raised)
end

--- Call a method of an object.
local function attempt(method, object, ...)
  local sound, first, second = pcall(method, object, ...)
  if not sound then fail_of(first, tostring(object)) end
  if first == nil and second then out.fail(second) end
  return first, second
end

-- get ------------------------------------------------------------------------

function value.get.describe(command)
  command:summary "Print the value of a counter, a semaphore, an array."
  command:description(
    "Print the value of a counter, the permits of a semaphore, the pid of who "
    .. "holds a mutex or writes under a rwlock (0 for nobody), 1 for an event "
    .. "that is set or a once that is done, what is left of a latch, how many "
    .. "wait at a barrier, an element of an array, or all of it: a row a line, "
    .. "elements separated by tabs.")
  add_common(command)
  add_indices(command)
end

--- As it can be read back: all digits of a float, two parts of a complex.
local function exact(first, second)
  if type(first) == "table" then first, second = first[1], first[2] end
  if second then return exact(first) .. "," .. exact(second) end
  if math.type(first) ~= "float" then return tostring(first) end
  local text = ("%.15g"):format(first)
  return tonumber(text) == first and text or ("%.17g"):format(first)
end

local function is_complex(item)
  return item.type == "c64" or item.type == "c128"
end

local function print_elements(elements, item, axis)
  if axis < #item.shape then
    for _, row in ipairs(elements) do print_elements(row, item, axis + 1) end
    return
  end
  local texts = {}
  for i, element in ipairs(elements) do texts[i] = exact(element) end
  print(table.concat(texts, #item.shape > 1 and "\t" or "\n"))
end

local function get_element(heap, item, indices)
  local array = attempt(heap.object, heap, item.name)
  if #indices == 0 then return attempt(array.totable, array) end
  local first, second = attempt(array.get, array, table.unpack(indices))
  return is_complex(item) and {first, second} or first
end

function value.get.run(args)
  local heap <close> = heaps.open(args.heap, {read_only = true})
  local item = heaps.find(heap, args.name)
  if item.kind ~= "array" and #args.index > 0 then
    out.fail(("%s is a %s and has no elements: leave the index out"):format(
      out.printable(item.name), item.kind))
  end

  if item.kind == "condition" then
    out.fail(("%s is a condition and has no value"):format(
      out.printable(item.name)))
  elseif item.kind == "array" then
    item.value = get_element(heap, item, args.index)
  elseif item.kind == "mutex" or item.kind == "rwlock" then
    item.value = item.holder or 0
  end
  if args.json then
    item.index = #args.index > 0 and out.list(args.index) or nil
    out.json(item)
  elseif item.kind == "array" and #args.index == 0 then
    print_elements(item.value, item, 1)
  else
    print(exact(item.value))
  end
  return 0
end

-- set ------------------------------------------------------------------------

function value.set.describe(command)
  command:summary "Set a counter, or an element of an array."
  command:description(
    "Set a counter, or an element of an array, that is there. A complex "
    .. "element is written re,im. Prints nothing (--json: what is there now).")
  add_common(command)
  command:argument("value", "A number; true and false too.")
  add_indices(command)
end

local words = {["true"] = true, ["false"] = false}

local function parse(text, item)
  if is_complex(item) then
    local re, im = text:match("^([^,]*),?(.*)$")
    return tonumber(re), tonumber(im == "" and 0 or im)
  end
  if item.type == "bool" then
    if words[text] ~= nil then return words[text] end
    if tonumber(text) == 0 or tonumber(text) == 1 then
      return tonumber(text) == 1
    end
    return nil
  end
  return tonumber(text)
end

local function parsed(text, item)
  local first, second = parse(text, item)
  if first == nil or is_complex(item) and second == nil then
    out.fail(("'%s' is no value for %s, a %s %s"):format(
      text, out.printable(item.name), item.type or item.variant, item.kind))
  end
  return first, second
end

local function set_counter(heap, item, text)
  local counter = attempt(heap.object, heap, item.name)
  attempt(counter.set, counter, (parsed(text, item)))
  return attempt(counter.get, counter)
end

local function set_element(heap, item, text, indices)
  if #indices ~= #item.shape then
    out.fail(("%s is an array of %s: give %s after the value"):format(
      out.printable(item.name), table.concat(item.shape, "x"),
      #item.shape == 1 and "an index" or #item.shape .. " indices"))
  end
  local array = attempt(heap.object, heap, item.name)
  local first, second = parsed(text, item)
  local arguments = {table.unpack(indices)}
  arguments[#arguments + 1] = first
  arguments[#arguments + 1] = second
  attempt(array.set, array, table.unpack(arguments))
  return get_element(heap, item, indices)
end

function value.set.run(args)
  local heap <close> = heaps.open(args.heap)
  local item = heaps.find(heap, args.name)
  if item.kind == "array" then
    item.value = set_element(heap, item, args.value, args.index)
    item.index = out.list(args.index)
  elseif item.kind == "counter" and #args.index == 0 then
    item.value = set_counter(heap, item, args.value)
  elseif item.kind == "counter" then
    out.fail(("%s is a counter and has no elements: leave the index out")
             :format(out.printable(item.name)))
  else
    out.fail(("%s is a %s, whose value belongs to who uses it: counters and "
              .. "array elements can be set"):format(
              out.printable(item.name), item.kind))
  end
  if args.json then out.json(item) end
  return 0
end

return value
