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

-- neap map -------------------------------------------------------------------

local kinds = {
  {"header", "#000000"}, {"slots", "#CC79A7"}, {"records", "#E69F00"},
  {"array", "#0072B2"}, {"free", "#B8E0C8"}, {"bare", "#E4E4E4"},
}
local colour_of = {}
for _, kind in ipairs(kinds) do colour_of[kind[1]] = kind[2] end

local function bytes(n)
  local names, i = {"B", "KiB", "MiB", "GiB", "TiB"}, 1
  while n >= 1024 and i < #names do n, i = n / 1024, i + 1 end
  return i == 1 and ("%d B"):format(n) or ("%.1f %s"):format(n, names[i])
end

local function rectangle(x, y, width, height, colour, more)
  return ('<rect x="%.2f" y="%.1f" width="%.2f" height="%.1f" fill="%s"%s/>')
    :format(x, y, width, height, colour, more or "")
end

local function label_of(part)
  return part.name or part.kind
end

--- The bytes from first to last, to scale; what is in memory is full.
local function strip(parts, all, left, top, width, height)
  local drawn = {}
  for _, part in ipairs(all) do
    local x = left + part.offset / all.size * width
    local w = math.max(part.size / all.size * width, 0.6)
    local share = part.size > 0 and part.resident / part.size or 0
    local colour = colour_of[part.kind] or "#888888"
    drawn[#drawn + 1] = ('<g><title>%s, %s at 0x%x</title>'):format(
      escaped(label_of(part)), bytes(part.size), part.offset)
    drawn[#drawn + 1] = rectangle(x, top, w, height, colour,
                                  ' fill-opacity="0.35"')
    drawn[#drawn + 1] = rectangle(x, top + height * (1 - share), w,
                                  height * share, colour)
    drawn[#drawn + 1] = "</g>"
  end
  parts[#parts + 1] = table.concat(drawn, "\n")
  for i = 0, 4 do
    local x = left + width * i / 4
    parts[#parts + 1] = line(x, top + height, x, top + height + 4, "#888888")
    parts[#parts + 1] = text(x, top + height + 18, bytes(all.size * i / 4),
      i == 0 and "start" or i == 4 and "end" or "middle", 11)
  end
end

local MOST = 24 -- rows of the list

--- A bar for each of the largest ones.
local function list(parts, all, left, top, width)
  local largest = {}
  for i, part in ipairs(all) do largest[i] = part end
  table.sort(largest, function(a, b)
    if a.size ~= b.size then return a.size > b.size end
    return a.offset < b.offset
  end)
  local scale_to = largest[1] and largest[1].size or 1
  for i = 1, math.min(#largest, MOST) do
    local part, y = largest[i], top + (i - 1) * 22
    local colour = colour_of[part.kind] or "#888888"
    local name = label_of(part)
    if utf8.len(name) and utf8.len(name) > 24 then
      name = name:sub(1, utf8.offset(name, 23) - 1) .. "..."
    end
    parts[#parts + 1] = text(left + 170, y + 13, name, "end", 12)
    parts[#parts + 1] = rectangle(left + 180, y, math.max(1, part.size
      / scale_to * (width - 420)), 16, colour, ' fill-opacity="0.35"')
    parts[#parts + 1] = rectangle(left + 180, y, part.resident / scale_to
      * (width - 420), 16, colour)
    parts[#parts + 1] = text(left + width, y + 13, ("%s, %s in memory"):format(
      bytes(part.size), bytes(part.resident)), "end", 11)
  end
  local rest = #largest - MOST
  if rest > 0 then
    parts[#parts + 1] = text(left + 180, top + MOST * 22 + 13,
      ("and %d smaller ones"):format(rest), "start", 11)
  end
  return top + (math.min(#largest, MOST) + (rest > 0 and 1 or 0)) * 22
end

--- The picture of what a heap's bytes are used for.
function picture.of_heap(parts, info, title, mapped)
  local all, drawn, width = {size = 0, resident = 0}, {}, 960
  for _, part in ipairs(parts) do
    if part.kind ~= "reserve" then
      all[#all + 1] = part
      all.size = math.max(all.size, part.offset + part.size)
      all.resident = all.resident + part.resident
    end
  end
  drawn[#drawn + 1] = text(20, 28, "Heap " .. title, "start", 18,
                           ' font-weight="bold"')
  drawn[#drawn + 1] = text(20, 48, ("%s to %s, of which %s are in memory; %d "
    .. "objects; %d threads attached; %s reserved; %s"):format(
    bytes(0), bytes(all.size), bytes(all.resident), info.objects, info.attached,
    bytes(info.reserved), mapped), "start", 12)
  local at = 20
  for _, kind in ipairs(kinds) do
    drawn[#drawn + 1] = rectangle(at, 62, 14, 14, kind[2])
    drawn[#drawn + 1] = text(at + 20, 74, kind[1], "start", 12)
    at = at + 40 + 8 * #kind[1]
  end
  drawn[#drawn + 1] = text(at + 10, 74, "full: in memory; pale: set aside, or "
                           .. "given back", "start", 11)
  strip(drawn, all, 20, 92, width - 40, 60)
  local bottom = list(drawn, all, 20, 196, width - 40)
  return document(width, bottom + 20, "Heap " .. title, drawn)
end

--- A page with a picture and its numbers.
function picture.page(svg, parts, title)
  local rows = {}
  for i, part in ipairs(parts) do
    rows[i] = ("<tr><td>0x%x</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>"
      .. "<td>%s</td></tr>"):format(part.offset, bytes(part.size), part.kind,
        escaped(part.name or ""), bytes(part.resident),
        part.others and bytes(part.others) or "?")
  end
  return ([[<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Heap %s</title>
<style>body { font-family: sans-serif; margin: 1em }
td, th { text-align: right; padding: 0.1em 0.8em }
td:nth-child(3), td:nth-child(4), th:nth-child(3), th:nth-child(4) {
text-align: left }</style></head><body>
%s<table><tr><th>offset</th><th>size</th><th>is</th><th>name</th>
<th>in memory</th><th>others</th></tr>
%s
</table></body></html>
]]):format(escaped(title), svg, table.concat(rows, "\n"))
end

return picture
