// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memcg-case says (one JSON object a line, harness/memcg/record.py) and how it touches
 * the kernel's files.
 */
#ifndef CASE_IO_H
#define CASE_IO_H

#include <stdbool.h>
#include <stddef.h>

/* Milliseconds of CLOCK_MONOTONIC since the first call. */
double case_ms(void);

/* Sleep until case_ms() says @ms; returns early on a signal. */
void case_sleep_until(double ms);

/* One record: open, fields, close. close flushes, so that a line is seen when it is true. */
void json_open(const char *type);
void json_text(const char *key, const char *value);
void json_long(const char *key, long long value);
void json_real(const char *key, double value);
void json_object(const char *key);
void json_object_end(void);
void json_close(void);

/* False once nobody reads what we say any more. */
bool json_heard(void);

/* Record::Fault: the case could not do its own work. */
void say_fault(const char *action, int error, const char *text);

/* Record::Step: @action was begun at @began and met @error (0: none). */
void say_step(const char *action, double began, int error);

/* The file's text, at most @size - 1 bytes of it, always terminated. 0 or -errno. */
int file_read(const char *path, char *buffer, size_t size);

/* Write @text in one write(2), as the kernel's files want it. 0 or -errno. */
int file_write(const char *path, const char *text);

#endif
