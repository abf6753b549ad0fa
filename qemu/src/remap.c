// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anonymous memory whose mapping moves: grown, shrunk and moved by mremap, left behind empty
 * (MREMAP_DONTUNMAP, 5.7), given back lazily (MADV_FREE, 4.5: each page is the old one or zero until it is
 * written). A page's number and contents stay the same wherever it is mapped.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "work-region.h"
#include "work.h"

#define MOST 256 /* pages of a piece; its mapping is never longer */

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static struct region *pieces;
static size_t piece_count;
static bool no_free, no_left_behind; /* the kernel has no such call */

static void make_pieces(void)
{
	piece_count = work.pages / (MOST / 2) + 1;
	pieces = work_map(piece_count * sizeof(*pieces) / PAGE + 1, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (size_t i = 0; i < piece_count; i++) {
		region_map(&pieces[i], MOST, MAP_PRIVATE | MAP_ANONYMOUS, -1, i << 8 | work.worker);
		munmap(pieces[i].memory + MOST / 2 * PAGE, MOST / 2 * PAGE);
		pieces[i].pages = MOST / 2; /* but generations for MOST */
	}
}

static void resize(struct region *piece, size_t pages)
{
	char *to = mremap(piece->memory, piece->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);

	if (to == MAP_FAILED)
		work_fail("mremap");
	if (to != piece->memory)
		work_note("pieces_moved", 1);
	work_note(pages > piece->pages ? "pieces_grown" : "pieces_shrunk", 1);
	if (pages < piece->pages)
		memset(piece->generation + pages, 0, (piece->pages - pages) * sizeof(*piece->generation));
	piece->memory = to;
	piece->pages = pages;
}

/* To where something else is mapped, which goes. */
static void move(struct region *piece)
{
	char *to = work_map(piece->pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	*to = 1;
	if (mremap(piece->memory, piece->pages * PAGE, piece->pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		work_fail("mremap");
	piece->memory = to;
	work_note("pieces_moved", 1);
}

static void leave_behind(struct region *piece)
{
	char *from = piece->memory;
	size_t bytes = piece->pages * PAGE;
	char *to = mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	no_left_behind = to == MAP_FAILED && errno == EINVAL;
	if (no_left_behind)
		return;
	if (to == MAP_FAILED)
		work_fail("mremap, MREMAP_DONTUNMAP");
	piece->memory = to;
	for (size_t page = 0; page < piece->pages; page++)
		page_check(from + page * PAGE, piece->tag, page, 0);
	munmap(from, bytes);
	work_note("pieces_left_behind", 1);
}

/* What is neither old nor zero is counted as a wrong old page. */
static void free_lazily(struct region *piece, size_t first, size_t count)
{
	no_free = madvise(piece->memory + first * PAGE, count * PAGE, MADV_FREE) && errno == EINVAL;
	if (no_free)
		return;
	for (size_t page = first; page < first + count; page += 2) {
		char *at = piece->memory + page * PAGE;

		if (page_holds(at, piece->tag, page, 0))
			work_note("pages_gone_at_once", 1);
		else
			page_check(at, piece->tag, page, piece->generation[page]);
	}
	work_note("pages_freed_lazily", count);
	if (work_random(2))
		region_fill(piece, first, count); /* written: they are not to be freed any more */
	else
		region_drop(piece, first, count);
}

static void turn(void)
{
	struct region *piece = &pieces[work_random(piece_count)];
	size_t count, first = work_chunk(piece->pages, &count);

	if (!region_check(piece, first, count))
		return;
	switch (work_kind(8)) {
	case 0: resize(piece, MOST / 8 + work_random(MOST - MOST / 8)); break;
	case 1: move(piece); break;
	case 2:
		if (!no_left_behind)
			leave_behind(piece);
		break;
	case 3:
		if (!no_free)
			free_lazily(piece, first, count);
		break;
	case 4: region_drop(piece, first, count); break;
	default: region_fill(piece, first, count);
	}
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	make_pieces();
	while (work_goes_on() && !work.did.verify_errors) {
		turn();
		work.did.rounds++;
	}
	work_end();
}
