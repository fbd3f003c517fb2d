/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads load what may not be read, the exception is handled, and they end.
 * The kernel has no more ports of these than of threads that do not fail.
 */

#include <string.h>
#include <syscalls.h>
#include <testlib.h>

#include <mach/exception.h>
#include <mach/mach_types.h>
#include <mach/task_special_ports.h>
#include <mach/vm_prot.h>
#include <mach_debug/mach_debug_types.h>

#include <exc.server.h>
#include <mach.user.h>
#include <mach_debug.user.h>
#include <mach_port.user.h>

/* Each CPU has some ports at hand: more threads than that.  */
#define THREADS 512

static vm_address_t page;
static mach_port_t exceptions;

kern_return_t catch_exception_raise(mach_port_t port, mach_port_t thread,
                                    mach_port_t task, integer_t exception,
                                    integer_t code, long_integer_t subcode)
{
  ASSERT(exception == EXC_BAD_ACCESS, "another exception");
  return vm_protect(mach_task_self(), page, vm_page_size, FALSE, VM_PROT_READ);
}

boolean_t exc_server(mach_msg_header_t *request, mach_msg_header_t *reply);

static void load(void *arg)
{
  *(volatile int *)page;
  while (1)
    continue;
}

static void run_one(bool fails)
{
  thread_t thread;
  int err;

  err = vm_protect(mach_task_self(), page, vm_page_size, FALSE,
                   fails ? VM_PROT_NONE : VM_PROT_READ);
  ASSERT_RET(err, "vm_protect");
  thread = test_thread_start(mach_task_self(), load, 0);
  if (fails)
    {
      err = mach_msg_server_once(exc_server, 4096, exceptions,
                                 MACH_MSG_OPTION_NONE);
      ASSERT_RET(err, "mach_msg_server_once");
    }
  err = thread_terminate(thread);
  ASSERT_RET(err, "thread_terminate");
  err = mach_port_destroy(mach_task_self(), thread);
  ASSERT_RET(err, "mach_port_destroy");
}

/* The test's own replies come to ports that stay, as far as that goes.  */
static int own_ports(void)
{
  mach_port_t *names = 0;
  mach_port_type_t *types = 0;
  mach_msg_type_number_t n = 0, types_n = 0;
  int count = 0, err;

  err = mach_port_names(mach_task_self(), &names, &n, &types, &types_n);
  ASSERT_RET(err, "mach_port_names");
  for (mach_msg_type_number_t i = 0; i < types_n; i++)
    count += (types[i] & MACH_PORT_TYPE_RECEIVE) != 0;
  err = vm_deallocate(mach_task_self(), (vm_address_t)names,
                      n * sizeof *names);
  ASSERT_RET(err, "vm_deallocate");
  err = vm_deallocate(mach_task_self(), (vm_address_t)types,
                      types_n * sizeof *types);
  ASSERT_RET(err, "vm_deallocate");
  return count;
}

static int other_ports(void)
{
  cache_info_array_t caches = 0;
  mach_msg_type_number_t n = 0;
  int count = -1, err;

  err = host_slab_info(mach_host_self(), &caches, &n);
  ASSERT_RET(err, "host_slab_info");
  for (mach_msg_type_number_t i = 0; i < n; i++)
    if (!strcmp(caches[i].name, "ipc_port"))
      count = caches[i].nr_objs;
  ASSERT(count >= 0, "no cache of ports");
  err = vm_deallocate(mach_task_self(), (vm_address_t)caches,
                      n * sizeof *caches);
  ASSERT_RET(err, "vm_deallocate");
  return count - own_ports();
}

/* That so many threads leave.  */
static int ports_of(bool fails)
{
  int before;

  run_one(fails);
  before = other_ports();
  for (int i = 0; i < THREADS; i++)
    run_one(fails);
  msleep(200);
  return other_ports() - before;
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  int calm, failed, err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE,
                           &exceptions);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), exceptions, exceptions,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  err = task_set_special_port(mach_task_self(), TASK_EXCEPTION_PORT,
                              exceptions);
  ASSERT_RET(err, "task_set_special_port");
  err = vm_allocate(mach_task_self(), &page, vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");

  calm = ports_of(false);
  failed = ports_of(true);
  printf("%d ports of threads that do not fail, %d of others\n", calm, failed);
  ASSERT(failed - calm < THREADS / 2, "threads leave ports");
  return 0;
}
