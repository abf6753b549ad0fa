// SPDX-License-Identifier: GPL-2.0-only
#include "work.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define WORDS (PAGE / sizeof(uint64_t))

struct work work = { .seconds = 1, .workers = 1, .seed = 1, .dir = "/tmp", .group = "", .pages = 1024 };
void (*work_cleanup)(void);

static uint64_t state;
static double end;
static volatile sig_atomic_t stopped;
static char wrong[160];
static struct {
	const char *key;
	unsigned long count;
} notes[MAX_NOTES];

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void stop(int sign)
{
	(void)sign;
	stopped = 1;
}

void work_begin(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", required_argument, NULL, 's' }, { "worker", required_argument, NULL, 'w' },
		{ "workers", required_argument, NULL, 'n' }, { "seed", required_argument, NULL, 'r' },
		{ "dir", required_argument, NULL, 'd' },     { "bytes", required_argument, NULL, 'b' },
		{ "leave", no_argument, NULL, 'l' },	     { "group", required_argument, NULL, 'g' },
		{ "iface", required_argument, NULL, 'i' },   { 0 },
	};
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's': work.seconds = atof(optarg); break;
		case 'w': work.worker = (unsigned)atoi(optarg); break;
		case 'n': work.workers = (unsigned)atoi(optarg); break;
		case 'r': work.seed = strtoull(optarg, NULL, 10); break;
		case 'd': work.dir = optarg; break;
		case 'l': work.leave = true; break;
		case 'g': work.group = optarg; break;
		case 'i': work.v2 = !strcmp(optarg, "v2"); break;
		case 'b': work.pages = (size_t)(strtoull(optarg, NULL, 10) / PAGE); break;
		default:
			errno = EINVAL;
			work_fail("arguments");
		}
	}
	if (work.pages < 8)
		work.pages = 8;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	work_reseed(work.worker);
	end = seconds_now() + work.seconds;
}

bool work_goes_on(void)
{
	return !stopped && seconds_now() < end;
}

bool work_sets_up(void)
{
	return !stopped && seconds_now() < end - work.seconds / 2;
}

size_t work_kind(size_t kinds)
{
	return work.did.rounds < kinds ? work.did.rounds : work_random(kinds);
}

void work_reseed(uint64_t more)
{
	state = (work.seed + 1) * 0x9e3779b97f4a7c15u + (more + 1) * 0xbf58476d1ce4e5b9u;
	if (!state)
		state = 1;
}

size_t work_random(size_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (size_t)((state * 0x2545f4914f6cdd1du) >> 33) % limit;
}

size_t work_chunk(size_t pages, size_t *count)
{
	size_t first = work_random(pages);

	*count = 1 + work_random(MAX_CHUNK);
	if (*count > pages - first)
		*count = pages - first;
	return first;
}

static uint64_t base_of(uint64_t tag, size_t number, uint32_t generation)
{
	uint64_t x = (tag << 48) ^ ((uint64_t)number << 20) ^ generation ^ work.seed;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	return x ^ (x >> 27);
}

void page_fill(void *page, uint64_t tag, size_t number, uint32_t generation)
{
	uint64_t *word = page, base = base_of(tag, number, generation);

	work.did.pages_touched++;
	for (size_t i = 0; i < WORDS; i++)
		word[i] = generation ? base + i * 0x9e3779b97f4a7c15u : 0;
}

/* The first word that differs, or WORDS. */
static size_t compare(const uint64_t *word, uint64_t base, bool zero, uint64_t *want)
{
	size_t i;

	for (i = 0; i < WORDS; i++) {
		*want = zero ? 0 : base + i * 0x9e3779b97f4a7c15u;
		if (word[i] != *want)
			break;
	}
	return i;
}

bool page_holds(const void *page, uint64_t tag, size_t number, uint32_t generation)
{
	uint64_t want;

	return compare(page, base_of(tag, number, generation), !generation, &want) == WORDS;
}

bool page_check(const void *page, uint64_t tag, size_t number, uint32_t generation)
{
	const uint64_t *word = page;
	uint64_t want;
	size_t at = compare(word, base_of(tag, number, generation), !generation, &want);

	if (at == WORDS)
		return true;
	work_wrong("page %zu generation %u word %zu: %016llx, wanted %016llx", number, generation, at,
		   (unsigned long long)word[at], (unsigned long long)want);
	return false;
}

void work_note(const char *key, unsigned long count)
{
	size_t at = 0;

	while (at < MAX_NOTES - 1 && notes[at].key && strcmp(notes[at].key, key))
		at++;
	notes[at].key = key;
	notes[at].count += count;
}

void work_wrong(const char *format, ...)
{
	va_list args;

	if (work.did.verify_errors++)
		return;
	va_start(args, format);
	vsnprintf(wrong, sizeof(wrong), format, args);
	va_end(args);
}

void *work_map(size_t pages, int flags, int fd)
{
	void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		work_fail("mmap");
	return memory;
}

static void say_count(const char *key, unsigned long count)
{
	if (count)
		printf("%s=%lu\n", key, count);
}

void work_say_wrong(void)
{
	if (*wrong)
		printf("wrong=%s\n", wrong);
	fflush(stdout);
}

static _Noreturn void finish(int code)
{
	if (work_cleanup && (code || !work.leave))
		work_cleanup();
	printf("seed=%llu\nrounds=%lu\nverify_errors=%lu\n", (unsigned long long)work.seed, work.did.rounds,
	       work.did.verify_errors);
	say_count("pages_touched", work.did.pages_touched);
	say_count("pages_dropped", work.did.pages_dropped);
	say_count("pages_moved", work.did.pages_moved);
	say_count("bytes_written", work.did.bytes_written);
	say_count("bytes_read", work.did.bytes_read);
	say_count("forks", work.did.forks);
	say_count("children_killed", work.did.children_killed);
	say_count("truncates", work.did.truncates);
	say_count("unlinks", work.did.unlinks);
	say_count("fsyncs", work.did.fsyncs);
	for (size_t at = 0; at < MAX_NOTES && notes[at].key; at++)
		say_count(notes[at].key, notes[at].count);
	work_say_wrong();
	_exit(work.did.verify_errors ? 1 : code);
}

_Noreturn void work_end(void)
{
	finish(0);
}

_Noreturn void work_fail(const char *what)
{
	printf("error=%s: %s\n", what, strerror(errno));
	finish(2);
}

_Noreturn void work_skip(const char *reason)
{
	printf("skip=%s\n", reason);
	finish(77);
}
