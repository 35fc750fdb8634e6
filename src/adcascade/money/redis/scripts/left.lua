-- campaign, day, rules expected -> what is left; an empty answer where the rules are others
local terms = terms_of(args[1])
if terms.rules ~= args[3] then
  return {}
end
return shown(left_of(args[1], terms, args[2]))
