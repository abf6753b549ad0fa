// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the workloads share: arguments, the time that is left, random numbers, page patterns that
 * can be checked, and how to end.
 *
 * Arguments: --seconds S --worker I --workers N --seed X --dir DIR --bytes N (of one worker), --group PATH
 * (the case's own memory group), --iface v1|v2, --leave (the files stay when it ends well).
 * Said at the end, one key=value a line: rounds, verify_errors, seed, the counts below and those of
 * work_note() that are above zero. Exit: 0 well; 1 the kernel gave back wrong data; 2 the workload could not do its
 * work (error=...); 77 a system call or file system is missing (skip=...).
 */
#ifndef WORK_H
#define WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096
#define MAX_NOTES 16
#define MAX_CHUNK 64 /* pages; what is done between two looks at the clock */

struct work {
	double seconds;
	unsigned worker, workers;
	uint64_t seed;
	const char *dir;
	const char *group;
	bool v2;
	size_t pages; /* --bytes in pages, at least 8 */
	bool leave;
	struct {
		unsigned long rounds, pages_touched, pages_dropped, pages_moved, bytes_written, bytes_read, forks, children_killed,
			truncates, unlinks, fsyncs, verify_errors;
	} did;
};

extern struct work work;

void work_begin(int argc, char **argv);

/* False when the time is up or SIGTERM came. */
bool work_goes_on(void);

/* The same, but for the last half of the time: to set up in, so that a slow machine comes to the work proper. */
bool work_sets_up(void);

/* Which of @kinds of turns is next: in the first rounds each once, so that all are done, then at random. */
size_t work_kind(size_t kinds);

/* xorshift64*, seeded with seed and worker; below @limit. */
size_t work_random(size_t limit);
void work_reseed(uint64_t more);

/* A random run of pages: its first page, and its length in *count. */
size_t work_chunk(size_t pages, size_t *count);

/*
 * A page's contents follow from what it belongs to, its number and its generation; generation 0 is
 * all zeroes, as the kernel hands it out. page_check counts a difference in verify_errors and keeps
 * the first for the facts.
 */
void page_fill(void *page, uint64_t tag, size_t number, uint32_t generation);
bool page_check(const void *page, uint64_t tag, size_t number, uint32_t generation);

/* Whether it has these contents, where others would be right too: nothing is counted. */
bool page_holds(const void *page, uint64_t tag, size_t number, uint32_t generation);

/* Add to a fact of the workload's own; @key is a string constant, at most MAX_NOTES of them. */
void work_note(const char *key, unsigned long count);

/* The kernel said or did what it must not: counted in verify_errors, the first one kept for the facts. */
void work_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The first difference, as the fact "wrong"; work_end() says it too. A child says its own. */
void work_say_wrong(void);

/* mmap of @pages pages, or the end of the program. */
void *work_map(size_t pages, int flags, int fd);

/* Run by work_end() and the other ends: what removes the files. */
extern void (*work_cleanup)(void);

_Noreturn void work_end(void);
_Noreturn void work_fail(const char *what);
_Noreturn void work_skip(const char *reason);

#endif
