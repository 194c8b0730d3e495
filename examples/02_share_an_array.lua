-- Workers fill the rows of one table of products. Each row goes to whoever is
-- free, and the parent reads what they wrote.
--
--     neap 02_share_an_array.lua

local neap = require "neap"

local WORKERS, SIZE = 4, 512

local heap = assert(neap.heap())
local products = assert(heap:array("products", "f64", SIZE, SIZE))

neap.run(WORKERS, function(worker)
  for i in worker:range(1, SIZE) do
    local row = products:row(i)
    for j = 1, SIZE do
      row[j] = i * j
    end
  end
end)

print(("%d x %d products: their sum is %.0f, the greatest %.0f"):format(
  SIZE, SIZE, products:sum(), products:max()))
