-- A linked list in shared memory that two processes see at different addresses:
-- a link is the offset of the next node from the beginning, never a pointer.
--
--     neap 14_linked_list.lua

local neap = require "neap"

-- What every process must know of the segment; a heap has names for it.
local HEAD, FREE, FIRST, NODE = 0, 8, 16, 16 -- a node: its value, its link

local segment = assert(neap.segment.create("memfd:list", 4096))
local heap <close> = neap.heap()
local lock = heap:mutex("list")              -- nobody else while one inserts
local here = assert(segment:map())
here:write(FREE, "u64", FIRST)

--- Put a value where it belongs: the list is sorted.
local function insert(map, value)
  local guard <close> = lock:guard()
  local node = map:read(FREE, "u64")
  map:write(FREE, "u64", node + NODE)
  local link = HEAD                          -- where the offset of the next is
  while true do
    local at = map:read(link, "u64")
    if at == 0 or map:read(at, "i64") > value then break end
    link = at + 8
  end
  map:write(node, "i64", value)
  map:write(node + 8, "u64", map:read(link, "u64"))
  map:write(link, "u64", node)
end

local function values(map)
  local found, at = {}, map:read(HEAD, "u64")
  while at ~= 0 do
    found[#found + 1] = map:read(at, "i64")
    at = map:read(at + 8, "u64")
  end
  return table.concat(found, " ")
end

for _, value in ipairs {50, 10, 30} do insert(here, value) end

local child = neap.fork(function()
  local there = assert(segment:map())        -- at another address
  for _, value in ipairs {40, 20} do insert(there, value) end
  return {values(there), there:address() ~= here:address()}
end)
local ok, told = child:wait()
assert(ok, told)

print("the child's list:  " .. told[1])
print("the parent's list: " .. values(here))
print("at different addresses: " .. (told[2] and "yes" or "no"))
