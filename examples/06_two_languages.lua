-- A Lua and a Python process work on one heap at once: they take turns, Lua
-- writes the squares of odd numbers, Python those of even ones.
--
--     neap 06_two_languages.lua
--
-- Whichever is started makes a heap and starts the other with its address.
-- PYTHON and LUA name the interpreters, if not python3 and lua5.4.

local neap = require "neap"

local COUNT, PATIENCE = 1000, 10 -- seconds

local function play(heap)
  local squares = assert(heap:array("squares", "i64", COUNT))
  local written = assert(heap:counter("by lua"))
  local my_turn = assert(heap:semaphore("turn of lua"))
  local your_turn = assert(heap:semaphore("turn of python"))
  for i = 1, COUNT, 2 do
    assert(my_turn:acquire(PATIENCE))
    squares[i] = i * i
    written:add()
    your_turn:release()
  end
end

if arg[1] then -- started by the other
  play(assert(neap.open(arg[1], {create = false})))
  return
end

local heap = assert(neap.heap())
assert(heap:semaphore("turn of lua", 1))
assert(heap:semaphore("turn of python", 0))

local other = arg[0]:gsub("%.lua$", ".py")
local partner = io.popen(("exec %s '%s' '%s'"):format(
  os.getenv("PYTHON") or "python3", other, heap:address()))
play(heap)
assert(partner:close(), "the Python process failed")

print(("Lua wrote %d squares and Python %d; their sum is %d"):format(
  heap:counter("by lua"):get(), heap:counter("by python"):get(),
  heap:array("squares"):sum()))
