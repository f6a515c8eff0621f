-- line_answer: the end of line, behind hand_over.
if mine then return {1, mine} end
local holder, left = holder_for(mode)
return {0, first == me and 1 or 0, holder, left}
