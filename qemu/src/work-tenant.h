// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tenant: a task inside a memory group that does what this process, outside of it, orders. Between
 * two orders it is asleep and charges nothing, so that the group's counters can be held against what
 * it has done. Only its end, never the time or SIGTERM, takes its memory away.
 */
#ifndef WORK_TENANT_H
#define WORK_TENANT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* In the tenant: do @order, and come back soon after tenant_undisturbed() says false. */
typedef void (*tenant_job)(int order, size_t value);

struct tenant {
	pid_t pid; /* 0: there is none */
	struct tenant_board *board;
};

/* Those that tenant_keep() knows; a job of a workload's own numbers its orders from TENANT_OWN on. */
enum tenant_order {
	TENANT_FILL,  /* write to the first @value pages of its memory */
	TENANT_SWEEP, /* check and write all that it has filled, over and over, until disturbed */
	TENANT_CHECK, /* check all that it has filled */
	TENANT_DROP,  /* MADV_DONTNEED for all of it */
	TENANT_OWN,
};

/* A task in the group @path with room for @pages pages, not touched. The program ends where there is none. */
void tenant_start(struct tenant *tenant, const char *path, size_t pages, tenant_job job);

/* As above with the orders of enum tenant_order. */
void tenant_keep(struct tenant *tenant, const char *path, size_t pages);

/* Begin @order, once what it did before is over; then until it is done. False: it was killed. */
bool tenant_order(struct tenant *tenant, int order, size_t value);
bool tenant_await(struct tenant *tenant);
bool tenant_do(struct tenant *tenant, int order, size_t value);

/* Ends what it does; it sleeps. False: it was killed. */
bool tenant_rest(struct tenant *tenant);

/* Pages that it has written to. In TENANT_SWEEP it goes through all that it has, again and again in the same order. */
unsigned long tenant_touched(const struct tenant *tenant);

/* It exits; what it found wrong and how much it touched is counted here. */
void tenant_end(struct tenant *tenant);

/* For a job: false once something else is ordered; what enum tenant_order does. */
bool tenant_undisturbed(void);
void tenant_obey(int order, size_t value);

#endif
