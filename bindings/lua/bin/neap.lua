#!/usr/bin/env lua
-- The command `neap` of the rock. LuaRocks sets the paths; a build and an
-- installation have bin/neap instead (scripts/neap.in).
local arguments = {n = #arg, table.unpack(arg)}
os.exit(require "neap.cli".main(arguments), true)
