-- SPDX-License-Identifier: BSL-1.0
-- drop_rest: rests before the next drop_lock: who only sweeps a hold is done with it in a moment.
DO SLEEP(0.005)
