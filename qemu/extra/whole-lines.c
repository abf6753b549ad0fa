// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked into every selftest: results go out line by line, also into a pipe. Else a child that is
 * forked with results in the buffer of stdout prints them again (test_kmem of 6.1: dozens of times),
 * and a program that is killed has said nothing.
 */
#include <stdio.h>

__attribute__((constructor)) static void print_whole_lines(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}
