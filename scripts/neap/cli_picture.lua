--- Pictures, as SVG.

local picture = {}

-- Okabe and Ito's colours, which people with any sight tell apart.
local colours = {
  "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000",
  "#8C8C00",
}

local function escaped(text)
  return (tostring(text):gsub("[&<>\"]", {
    ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  }))
end

local function text(x, y, words, anchor, size, more)
  return ('<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d"%s>%s</text>')
    :format(x, y, anchor or "start", size or 12, more or "", escaped(words))
end

local function line(x1, y1, x2, y2, colour)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>')
    :format(x1, y1, x2, y2, colour)
end

local function document(width, height, title, parts)
  return table.concat({
    ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
     .. 'viewBox="0 0 %d %d" font-family="sans-serif">'):format(
      width, height, width, height),
    ("<title>%s</title>"):format(escaped(title)),
    '<rect width="100%" height="100%" fill="white"/>',
    table.concat(parts, "\n"), "</svg>\n",
  }, "\n")
end

picture.escaped, picture.text, picture.line = escaped, text, line
picture.document, picture.colours = document, colours

-- neap bench ipc -------------------------------------------------------------

--- By thousands.
local units = {
  time = {[0] = "ns", "us", "ms", "s", "ks"},
  rate = {[0] = "B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"},
}

local function power_name(exponent, unit)
  return ("%d %s"):format(10 ^ (exponent % 3),
                          units[unit][exponent // 3] or "?")
end

local function size_name(bytes)
  local i = 0
  while bytes >= 1024 and i < 3 do bytes, i = bytes / 1024, i + 1 end
  return ("%g%s"):format(bytes, ({[0] = " B", " KiB", " MiB", " GiB"})[i])
end

--- A scale of powers of ten that holds all values.
local function scale(items, key, from, to)
  local low, high = math.huge, -math.huge
  for _, item in ipairs(items) do
    if item[key] then
      low = math.min(low, item[key])
      high = math.max(high, item[key])
    end
  end
  if low > high then low, high = 1, 10 end
  local first = math.floor(math.log(low, 10))
  local last = math.max(first + 1, math.ceil(math.log(high, 10)))
  return function(value)
    return from + (to - from) * (math.log(value, 10) - first) / (last - first)
  end, first, last
end

--- One panel: a key of the items over the size, both logarithmic.
local function panel(parts, items, ways, key, title, unit, left, top, width,
                     height)
  local x_of = scale(items, "size", 0, 1)
  local low, high = math.huge, 0
  for _, item in ipairs(items) do
    low, high = math.min(low, item.size), math.max(high, item.size)
  end
  local x0, x1 = x_of(low), x_of(high)
  local function x(size)
    local share = x1 > x0 and (x_of(size) - x0) / (x1 - x0) or 0.5
    return left + 12 + share * (width - 24)
  end
  local y, first, last = scale(items, key, top + height, top)

  parts[#parts + 1] = text(left, top - 14, title, "start", 14,
                           ' font-weight="bold"')
  for exponent = first, last do
    local at = y(10 ^ exponent)
    parts[#parts + 1] = line(left, at, left + width, at, "#dddddd")
    parts[#parts + 1] = text(left - 6, at + 4, power_name(exponent, unit), "end",
                             11)
  end
  local seen = {}
  for _, item in ipairs(items) do
    if not seen[item.size] then
      seen[item.size] = true
      parts[#parts + 1] = line(x(item.size), top + height, x(item.size),
                               top + height + 4, "#888888")
      parts[#parts + 1] = text(x(item.size), top + height + 18,
                               size_name(item.size), "middle", 11)
    end
  end
  for i, way in ipairs(ways) do
    local colour, points = colours[(i - 1) % #colours + 1], {}
    for _, item in ipairs(items) do
      if item.way == way and item[key] then
        points[#points + 1] = ("%.1f,%.1f"):format(x(item.size), y(item[key]))
        parts[#parts + 1] = ('<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>')
          :format(x(item.size), y(item[key]), colour)
      end
    end
    parts[#parts + 1] = ('<polyline points="%s" fill="none" stroke="%s" '
                         .. 'stroke-width="%d"/>'):format(
      table.concat(points, " "), colour, way == "neap" and 3 or 2)
  end
end

--- The picture of what bench ipc has measured.
function picture.of_ipc(items, ways)
  local parts, width, height = {}, 960, 470
  parts[#parts + 1] = text(20, 28, "Bytes from one process to another", "start",
                           18, ' font-weight="bold"')
  local at = 20
  for i, way in ipairs(ways) do
    local colour = colours[(i - 1) % #colours + 1]
    parts[#parts + 1] = ('<rect x="%d" y="42" width="14" height="14" fill="%s"/>')
      :format(at, colour)
    parts[#parts + 1] = text(at + 20, 54, way, "start", 12)
    at = at + 40 + 8 * #way
  end
  panel(parts, items, ways, "latency", "Time of a message, one way", "time", 80,
        110, 370, 300)
  panel(parts, items, ways, "transfer", "Through, when the bytes lie ready",
        "rate", 560, 110, 370, 300)
  parts[#parts + 1] = text(265, 450, "bytes of a message", "middle", 12)
  parts[#parts + 1] = text(745, 450, "bytes of a message", "middle", 12)
  return document(width, height, "Bytes from one process to another", parts)
end

return picture
