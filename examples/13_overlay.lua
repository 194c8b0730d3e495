-- An overlay: a file of 8 MiB through a zone of one, part by part; what is
-- indexed is loaded, and replaces what was used longest ago.
--
--     neap 13_overlay.lua

local neap = require "neap"

local COUNT = 1 << 20 -- numbers of 8 bytes

local file = assert(neap.segment.create("file:13.bin", COUNT * 8))
local overlay = assert(file:overlay{zone = "1M", frames = 4})

for offset, part in overlay:windows(nil, "rw") do         -- mmap(MAP_FIXED)
  local numbers = part:array("i64", #part // 8)
  for i = 1, #numbers do numbers[i] = offset // 8 + i end
end

local sum = 0
for _, part in overlay:windows() do
  sum = sum + part:array("i64", #part // 8):sum()
end
print(("%d numbers, sum %d"):format(COUNT, sum))

local numbers = overlay:array("i64")          -- all of it, as if it were here
numbers[COUNT // 2] = 0
print(("number %d is %d, number %d is %d"):format(
  COUNT // 2, numbers[COUNT // 2], COUNT, numbers[COUNT]))

local stats = overlay:stats()
print(("%d parts were loaded into %d frames"):format(stats.loads, stats.frames))

overlay:close()
assert(file:unlink())
