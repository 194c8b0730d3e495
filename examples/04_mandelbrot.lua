-- Draw the Mandelbrot set. The image is a shared array; each row is computed
-- by whichever worker is free.
--
--     neap 04_mandelbrot.lua [OUT.ppm [WIDTH]]     WORKERS=n sets how many

local neap = require "neap"

local LIMIT = 200 -- steps until a point counts as inside

local path = arg[1] or "mandelbrot.ppm"
local width = math.tointeger(tonumber(arg[2] or 960))
local height = width * 2 // 3

local heap = assert(neap.heap())
local image = assert(heap:array("image", "u8", height, 3 * width))
local workers = tonumber(os.getenv("WORKERS") or io.popen("nproc"):read("l"))

-- How many steps until the point escapes.
local function escape(cr, ci)
  local zr, zi = 0.0, 0.0
  for n = 0, LIMIT - 1 do
    local rr, ii = zr * zr, zi * zi
    if rr + ii > 4 then return n end
    zi = 2 * zr * zi + ci
    zr = rr - ii + cr
  end
  return LIMIT
end

neap.run(workers, function(worker)
  for y in worker:range(1, height) do
    local row = image:row(y)
    local ci = (2 * (y - 1) - height) * 1.25 / height
    for x = 1, width do
      local n = escape((x - 1) * 3.75 / width - 2.75, ci)
      if n < LIMIT then -- inside it stays black
        row[3 * x - 2] = math.min(255, n * 2)
        row[3 * x - 1] = math.min(255, n * 5)
        row[3 * x] = math.min(255, 60 + n * 9)
      end
    end
  end
end, {name = "rows"})

local file = assert(io.open(path, "wb"))
file:write(("P6\n%d %d\n255\n"):format(width, height))
for y = 1, height do
  for _, byte in ipairs(image:row(y)) do file:write(string.char(byte)) end
end
file:close()
print(("%d x %d points, brightness %d"):format(width, height, image:sum()))
