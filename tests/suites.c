/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every file of tests.  The linker takes from an archive only what something
 * refers to, so a file that is missing here would not be run;
 * tests/hosted.rs compares the number of tests with the sources'.
 */
#ifdef SOUND
#define SUITES(each) \
	each(sound_again) \
	each(sound_errors) \
	each(sound_fresh) \
	each(sound_mapped) \
	each(sound_marks) \
	each(sound_merging) \
	each(sound_pages) \
	each(sound_waiting)
#else
#define SUITES(each) \
	each(callers) \
	each(coalesce_gap) \
	each(coalesce_hint_lock) \
	each(coalesce_merge) \
	each(coalesce_refuse) \
	each(random_ops) \
	each(scan_end) \
	each(scan_interference) \
	each(scan_kernel) \
	each(scan_table) \
	each(scan_user) \
	each(shim) \
	CALLERS_SUITES(each)
#endif

#ifdef CALLERS
#define CALLERS_SUITES(each) \
	each(callers_clip) \
	each(callers_delete) \
	each(callers_protect) \
	each(callers_wire)
#else
#define CALLERS_SUITES(each)
#endif

#define DECLARE(suite) extern const char suite_of_##suite[];
#define REFER(suite) suite_of_##suite,

SUITES(DECLARE)

const char *const harness_suites[] = { SUITES(REFER) };
