// SPDX-License-Identifier: GPL-2.0-only
/* For workloads that act on memory groups themselves: the case's own (work.group), and those that they make below it. */
#ifndef WORK_GROUP_H
#define WORK_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#define GROUP_PATH 256

/* A group "NAME-WORKER" below the case's, its path in @path. The program ends where it cannot be made. */
void group_make(char path[GROUP_PATH], const char *name);

/* The group NAME below @parent, and leave to make groups below @path and to have their charges counted there. */
void group_make_below(char path[GROUP_PATH], const char *parent, const char *name);
void group_open(const char *path);

/* This process goes into the group @path. 0 or -errno. */
int group_enter(const char *path);

/* rmdir, again while it is busy for up to @seconds. 0 or -errno. */
int group_drop(const char *path, double seconds);

/* One write(2) to a file of the group, in one piece. 0 or -errno. */
int group_put(const char *path, const char *file, const char *text);
int group_put_number(const char *path, const char *file, long long number);

/* The number that a file holds, or that stands behind @key in it; -1 where there is none ("max" is LLONG_MAX). */
long long group_get(const char *path, const char *file);
long long group_get_key(const char *path, const char *file, const char *key);

bool group_has(const char *path, const char *file);

/* How much of the group's usage is kernel memory: 0 where the kernel charges none, -1 where it does not say. */
long long group_kernel(const char *path);

/* The guest's CPUs, on or off; sysconf() of musl counts those that the caller may run on. */
int group_cpus(void);

/* True for the controller up to 2.6.28: no hierarchy, no swap accounting, exact counters. */
bool group_is_old(void);

/*
 * What CPUs have collected of pages that are to go on the lists goes there now. A page that waits
 * cannot be reclaimed nor freed, and force_empty of 2.6.27 spins until it is listed.
 */
void group_list_pages(void);

/* The names of both interfaces: memory.max or memory.limit_in_bytes, memory.current or memory.usage_in_bytes. */
const char *group_limit_file(void);
const char *group_usage_file(void);

#endif
