--- Heaps as the sub-commands find them: from an address as a person types it
-- to an open handle, or a failure that is told.

local neap = require "neap"
local out = require "neap.cli_out"

local heaps = {}

--- A path is a file: "./results.neap" means "file:./results.neap".
function heaps.address(text)
  if text:find("/", 1, true) and not text:find("^/?[^/]*$")
     and not text:find("^%a+:") then
    return "file:" .. text
  end
  return text
end

--- Open one that is there. Returns nil, text and code when it cannot be.
function heaps.try(text, options)
  options = options or {}
  options.create = false
  local sound, heap, why, code = pcall(neap.open, heaps.address(text), options)
  if sound then return heap, why, code end
  return nil, heap, "EINVAL" -- a bad address
end

--- The same; what goes wrong ends the command.
function heaps.open(text, options)
  local heap, why = heaps.try(text, options)
  return heap or out.fail(why)
end

--- What is behind a name, or the end of the command.
function heaps.find(heap, name)
  local sound, item, why, code = pcall(heap.find, heap, name)
  if not sound then out.fail(item) end
  if item then return item end
  if code == "ENOENT" then
    out.fail(("there is no %s in heap %s; `neap show %s` lists what is")
             :format(out.printable(name), heap:address(), heap:address()))
  end
  return out.fail(why)
end

--- The addresses of all heaps of this machine that have a name in a list, and
-- those given.
function heaps.all(more)
  local list, why = neap.segment.list()
  if not list then out.fail(why) end
  local addresses = {}
  for _, segment in ipairs(list) do
    if segment.is_heap then addresses[#addresses + 1] = segment.address end
  end
  for _, text in ipairs(more or {}) do
    addresses[#addresses + 1] = heaps.address(text)
  end
  return addresses
end

return heaps
