# SPDX-License-Identifier: GPL-2.0-only
"""The two ways in which the harness itself stops; a misbehaving kernel is a verdict, never an exception."""


class HarnessError(Exception):
    """Something that ends the command. ``str(error)`` is one line, fit for the terminal."""

    exit_code = 3


class UserError(HarnessError):
    """The input cannot be used. The message names file, line and mend where there are any."""

    exit_code = 2


class InfraError(HarnessError):
    """The machine, the network or a tool under us failed; says nothing about the kernel."""

    exit_code = 3


class DeadlineExpired(InfraError):
    """A step did not end within the time that it was given."""


class NoBase(UserError):
    """The kernel to judge others by does not build or boot."""
