/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Its name tells a tree of GNU Mach from others. */
