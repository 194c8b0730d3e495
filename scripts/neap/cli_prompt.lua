--- The interactive prompt.
--
-- With the readline library there are editing, a history and completion by
-- Tab; without it, or where input is no terminal, plain lines. An expression
-- is printed; what is not complete yet is asked for on; Ctrl-C drops the line
-- or stops what runs, Ctrl-D leaves.

local neap = require "neap"
local core = require "neap.core"
local inspect = require "neap.cli_inspect"
local run = require "neap.cli_run"

local prompt = {}

local FIRST, NEXT = "neap> ", "   -> "

-- Reading --------------------------------------------------------------------

local DROPPED = {} -- raised when Ctrl-C drops the line

--- A line without editing. Returns nil at the end of the input.
local function plain(text)
  io.stdout:write(text)
  io.stdout:flush()
  local sound, line, why = pcall(io.read, "L")
  if not sound or why then error(DROPPED) end
  return line and (line:gsub("\n$", ""))
end

--- A line by readline, key by key: between two keys this waits itself, so
-- that Ctrl-C is noticed at once.
local function edited(library, text)
  local line, is_done
  library.handler_install(text, function(read)
    line, is_done = read, true
    library.handler_remove()
  end)
  local sound, raised = pcall(function()
    while not is_done do
      if core.wait_input(0) then library.read_char() end
    end
  end)
  if not sound then
    library.handler_remove()
    io.stdout:write("^C")
    error(tostring(raised):find("interrupted!$") and DROPPED or raised, 0)
  end
  if line and line:find("%S") then library.add_history(line) end
  return line
end

local function load_readline()
  local term = os.getenv("TERM") or "dumb"
  if term == "dumb" or not core.terminal(1) then return nil end
  local found, library = pcall(require, "readline")
  return found and library or nil
end

--- How lines are read here, and what to call at the end.
local function choose_reader()
  local library = load_readline()
  if not library then return plain, function() end end
  local home = os.getenv("HOME")
  library.set_options{
    histfile = home and home .. "/.neap_history" or "", keeplines = 1000,
    auto_add = false, completion = true,
  }
  library.set_readline_name("neap")
  library.set_complete_function(function(line, from, to)
    library.set_completion_append_character("")
    return inspect.complete(line:sub(from, to))
  end)
  return function(text) return edited(library, text) end, library.save_history
end

-- Running --------------------------------------------------------------------

local function is_incomplete(why)
  return why and why:find("<eof>$") ~= nil
end

--- The chunk of a text, which may be an expression ("= x" is one as well).
local function compile(text)
  local chunk = load("return " .. text:gsub("^%s*=", ""), "=(prompt)")
  if chunk then return chunk end
  return load(text, "=(prompt)")
end

--- Read on until it is a whole chunk. Returns nil at the end of the input.
local function read_chunk(read)
  local text = read(FIRST)
  if not text then return nil end
  while true do
    local chunk, why = compile(text)
    if not is_incomplete(why) then return chunk or false, why end
    local more = read(NEXT)
    if not more then return false, why end
    text = text .. "\n" .. more
  end
end

local function print_results(results)
  local texts = {}
  for i = 1, results.n do texts[i] = inspect.text(results[i]) end
  if results.n > 0 then print(table.concat(texts, "\t")) end
end

local function execute(chunk)
  local results = table.pack(xpcall(chunk, run.traceback))
  if not results[1] then error(results[2], 0) end
  print_results(table.move(results, 2, results.n, 1, {n = results.n - 1}))
end

local function tell(raised)
  local text = raised == DROPPED and "" or tostring(raised)
  if text:find("^[^\n]*interrupted!") then text = "interrupted" end
  io.stdout:flush()
  io.stderr:write(text, "\n")
end

--- One turn. Returns false at the end of the input.
local function turn(read)
  local chunk, why = read_chunk(read)
  if chunk then
    execute(chunk)
  elseif why then
    io.stderr:write(why, "\n")
  end
  return chunk ~= nil
end

--- Until Ctrl-D; returns the exit status.
function prompt.run()
  _G.neap = neap
  _G.arg = {[0] = "neap"}
  core.catch_interrupt()
  local read, finish = choose_reader()
  print(("neap %s, %s. The module is `neap`; a local ends with its line; "
         .. "Ctrl-D leaves."):format(neap.version, _VERSION))
  while true do
    local sound, goes_on = pcall(turn, read)
    if not sound then
      tell(goes_on)
    elseif not goes_on then
      break
    end
  end
  print()
  finish()
  return 0
end

return prompt
