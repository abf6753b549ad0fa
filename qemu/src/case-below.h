// SPDX-License-Identifier: GPL-2.0-only
/* The groups below the one under test: made by workloads of their own, sampled and removed with it. */
#ifndef CASE_BELOW_H
#define CASE_BELOW_H

#include "case-group.h"

#define MAX_BELOW 16

/* Fill @below with the groups that there are, parents before their children. Returns how many. */
int below_list(const struct group *group, struct group *below);

#endif
