# SPDX-License-Identifier: GPL-2.0-only
# The guest's userland from Debian's source packages, static against musl, which runs on 2.6.27 as it
# does today (glibc does not). The current directory holds the unpacked packages busybox/, dropbear/
# and openssh/; the results go to out/:
#
#	make -jN -f .../qemu/userland.mk
#
# One make for the three, so that they share its jobs.
RECIPE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
CC := musl-gcc
# musl brings no kernel headers; the C library's own must not come before musl's.
KERNEL_HEADERS := -idirafter /usr/include -idirafter /usr/include/$(shell gcc -print-multiarch)
NO_LOGIN_RECORDS := --disable-lastlog --disable-utmp --disable-utmpx --disable-wtmp --disable-wtmpx

all: out/links out/sftp-server out/dropbearmulti

# Debian's patches touch configure.ac and not configure, which then refuses to run; what they change
# does not concern sftp-server.
out/sftp-server: | out
	touch openssh/configure openssh/config.h.in
	cd openssh && ./configure CC="$(CC)" CFLAGS=-O1 LDFLAGS=-static --without-openssl --without-zlib \
		--without-pie --without-hardening --without-stackprotect --disable-security-key $(NO_LOGIN_RECORDS)
	+$(MAKE) -C openssh sftp-server
	strip -o $@ openssh/sftp-server

# --disable-harden: position independent and static do not go together in this musl-gcc.
out/dropbearmulti: | out
	cp $(RECIPE)dropbear.h dropbear/localoptions.h
	cd dropbear && ./configure CC="$(CC)" CFLAGS=-O2 --enable-static --disable-zlib --disable-pam \
		--disable-syslog --disable-harden $(NO_LOGIN_RECORDS)
	+$(MAKE) -C dropbear PROGRAMS="dropbear dropbearkey scp" STATIC=1 MULTI=1
	strip -o $@ dropbear/dropbearmulti

out/busybox: | out
	+$(MAKE) -C busybox allnoconfig CC="$(CC)"
	sed -E -i -f $(RECIPE)busybox.sed busybox/.config
	+$(MAKE) -C busybox oldconfig CC="$(CC)" </dev/null
	+$(MAKE) -C busybox busybox CC="$(CC)" EXTRA_CFLAGS="$(KERNEL_HEADERS)"
	strip -o $@ busybox/busybox

# "NAME TARGET" a line: the symbolic links beside the binaries.
out/links: out/busybox
	out/busybox --list | sed 's/$$/ busybox/' >$@
	printf '%s dropbearmulti\n' dropbear dropbearkey scp >>$@

out:
	mkdir -p $@

.PHONY: all
.DELETE_ON_ERROR:
