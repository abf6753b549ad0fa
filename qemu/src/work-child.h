// SPDX-License-Identifier: GPL-2.0-only
/* For workloads that fork: what a child inherits is the parent's memory as it was, and its time. */
#ifndef WORK_CHILD_H
#define WORK_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#define CHILD_TAG 0x100u /* added to a worker's number: the tag of what its child wrote */

/* fork, counted. In the child, 0, with random numbers of its own. The program ends where there is no fork. */
pid_t child_fork(void);

/* The child's end: it says what it found wrong, if anything. */
_Noreturn void child_end(void);

/* False when SIGKILL ended the child: out of memory at the limit is the group's right. Else what it found wrong is counted. */
bool child_wait(pid_t pid);

#endif
