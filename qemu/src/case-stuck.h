// SPDX-License-Identifier: GPL-2.0-only
/* Tasks that the kernel does not let go on. */
#ifndef CASE_STUCK_H
#define CASE_STUCK_H

#include "case-workers.h"

/*
 * Looks for @ms at the tasks of workers that are still there: one record for each that slept all the
 * time where only what it waits for wakes it. khungtaskd says nothing of those that SIGKILL would wake.
 */
void stuck_say(const struct crew *crew, double ms);

#endif
