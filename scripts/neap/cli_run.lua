--- Running scripts and lines of code, with neap loaded.

local neap = require "neap"

local run = {}

local INTERRUPTED = 130 -- what shells say of Ctrl-C

--- The traceback without the frames of the command itself.
local function script_frames(traceback)
  local cut = traceback:find("\n\t%[C%]: in function 'xpcall'\n[^\n]*neap/cli")
  return cut and traceback:sub(1, cut - 1) or traceback
end

local function describe(raised)
  local meta = getmetatable(raised)
  if type(raised) == "table" and not (meta and meta.__tostring) then
    return "(error object is a table value)"
  end
  return tostring(raised)
end

--- A message handler: what was raised, with where it was.
function run.traceback(raised)
  return script_frames(debug.traceback(describe(raised), 2))
end

local function report(text)
  if text:find("^[^\n]*interrupted!\n") then
    io.stderr:write("neap: interrupted\n")
    return INTERRUPTED
  end
  io.stderr:write("neap: ", text, "\n")
  return 1
end

--- Run a chunk as the script `name`; returns the exit status.
local function run_chunk(chunk, why, name, arguments)
  if not chunk then
    io.stderr:write("neap: ", why, "\n")
    return 1
  end
  _G.neap = neap
  _G.arg = {[-1] = "neap", [0] = name}
  table.move(arguments, 1, #arguments, 1, _G.arg)
  local sound, text = xpcall(chunk, run.traceback, table.unpack(arguments))
  io.stdout:flush()
  return sound and 0 or report(text)
end

--- A script's file; "-" is standard input.
function run.file(path, arguments)
  local chunk, why = loadfile(path ~= "-" and path or nil)
  return run_chunk(chunk, why, path, arguments)
end

--- A text from the command line.
function run.text(text, arguments)
  local chunk, why = load(text, "=(command line)")
  return run_chunk(chunk, why, "-e", arguments)
end

return run
