-- Count the words of text files. A word is a run of the letters A to Z, small
-- or capital. Files are cut into pieces; each word is a counter in shared
-- memory, found by its name, so that two words are never taken for one.
--
--     neap 03_wordcount.lua FILE ...          WORKERS=n sets how many

local neap = require "neap"

local PIECE, NAME_MAX = 1 << 20, 200 -- bytes

local function open_file(path)
  local file, why = io.open(path, "rb")
  if file then why = select(2, file:read(0)) end -- a directory fails here
  if why then error("cannot read " .. path .. ": " .. why, 0) end
  return file
end

-- The words that begin in a piece: what is left of one that began before is
-- cut off, and the last one is read to its end.
local function read_piece(piece)
  local file <close> = open_file(piece.path)
  file:seek("set", math.max(piece.from - 1, 0))
  local text = file:read(piece.from > 0 and PIECE + 1 or PIECE) or ""
  if piece.from > 0 then text = text:gsub("^[A-Za-z]+", "") end
  local more = text:find("[A-Za-z]$") and file:read(PIECE)
  while more do
    local rest = more:match("^[A-Za-z]*")
    text, more = text .. rest, #rest == #more and file:read(PIECE)
  end
  return text:lower()
end

local pieces = {}
for _, path in ipairs(arg) do
  local file <close> = open_file(path)
  for from = 0, file:seek("end") - 1, PIECE do
    pieces[#pieces + 1] = {path = path, from = from}
  end
end

local heap = assert(neap.heap())
local workers = tonumber(os.getenv("WORKERS") or io.popen("nproc"):read("l"))

neap.run(workers, function(worker)
  local counters = setmetatable({}, {__index = function(known, word)
    return rawset(known, word, assert(heap:counter(word)))[word]
  end})
  for i in worker:range(1, #pieces) do
    for at, word in read_piece(pieces[i]):gmatch("()([a-z]+)") do
      if #word <= NAME_MAX then
        counters[word]:add()
      else -- too long for a name: it is kept as an array, each time
        local name = ("long %d %d"):format(i, at)
        local letters = assert(heap:array(name, "u8", #word))
        for k = 1, #word do letters[k] = word:byte(k) end
      end
    end
  end
end, {name = "words"})

local counts, words, total = {}, {}, 0
for _, item in ipairs(heap:list()) do
  local word, n = item.name, item.value
  if item.kind == "array" then
    local letters = heap:array(item.name):totable()
    for at, letter in ipairs(letters) do letters[at] = string.char(letter) end
    word, n = table.concat(letters), 1
  end
  if not counts[word] then words[#words + 1] = word end
  counts[word] = (counts[word] or 0) + n
  total = total + n
end
table.sort(words, function(a, b)
  return counts[a] > counts[b] or counts[a] == counts[b] and a < b
end)
for i = 1, math.min(10, #words) do
  print(("%7d %s"):format(counts[words[i]], words[i]))
end
print(("%d words, %d different"):format(total, #words))
