/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load from a wired page waits for its pager.  That the page may no longer
 * be written when it comes does not matter to the load.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/task_special_ports.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

/* What the messages of memory_object.defs have in common.  */
struct request
{
  mach_msg_header_t head;
  mach_msg_type_t control_type;
  union
  {
    mach_port_t name;
    vm_offset_t size;
  } control;
  mach_msg_type_t offset_type;
  vm_offset_t offset;
  char rest[256];
};

#define MEMORY_OBJECT_INIT 2200
#define MEMORY_OBJECT_DATA_REQUEST 2203

#define LATE 500 /* ms */

static mach_port_t object;
static volatile bool ready, supplies, asked, loaded;

static void answer(const struct request *request)
{
  vm_offset_t data;
  int err;

  if (!supplies)
    {
      err = memory_object_data_error(request->control.name, request->offset,
                                     vm_page_size, KERN_FAILURE);
      ASSERT_RET(err, "memory_object_data_error");
      return;
    }
  asked = true;
  msleep(LATE);
  err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  *(int *)data = 1;
  err = memory_object_data_supply(request->control.name, request->offset,
                                  data, vm_page_size, TRUE, VM_PROT_NONE,
                                  FALSE, MACH_PORT_NULL);
  ASSERT_RET(err, "memory_object_data_supply");
}

static void pager(void *arg)
{
  struct request request;
  int err;

  while (1)
    {
      err = mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof request, object,
                     MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
      ASSERT_RET(err, "mach_msg");
      switch (request.head.msgh_id)
        {
        case MEMORY_OBJECT_INIT:
          err = memory_object_ready(request.control.name, FALSE,
                                    MEMORY_OBJECT_COPY_NONE);
          ASSERT_RET(err, "memory_object_ready");
          ready = true;
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          answer(&request);
          break;
        }
    }
}

static void load(void *page)
{
  ASSERT(*(volatile int *)page == 1, "wrong contents");
  loaded = true;
  while (1)
    msleep(1000);
}

static mach_port_t receive_right(void)
{
  mach_port_t port;
  int err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), port, port,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  return port;
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t page = 0;
  mach_port_t exceptions;
  struct request exception;
  int err;

  object = receive_right();
  exceptions = receive_right();
  err = task_set_special_port(mach_task_self(), TASK_EXCEPTION_PORT,
                              exceptions);
  ASSERT_RET(err, "task_set_special_port");
  test_thread_start(mach_task_self(), pager, 0);
  err = vm_map(mach_task_self(), &page, vm_page_size, 0, TRUE, object, 0,
               FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_COPY);
  ASSERT_RET(err, "vm_map");
  /* The first store to a stack wants the map for itself, and wiring keeps the
     map locked while it waits for the pager: that must have a stack by then.  */
  while (!ready)
    msleep(1);

  /* It may fail: the pager does not have the page.  */
  err = vm_wire(mach_host_self(), mach_task_self(), page, vm_page_size,
                VM_PROT_DEFAULT);
  printf("vm_wire: %s\n", e2s(err));

  supplies = true;
  test_thread_start(mach_task_self(), load, (void *)page);
  while (!asked)
    msleep(1);
  err = vm_protect(mach_task_self(), page, vm_page_size, FALSE, VM_PROT_READ);
  ASSERT_RET(err, "vm_protect");

  err = mach_msg(&exception.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
                 sizeof exception, exceptions, 4 * LATE, MACH_PORT_NULL);
  ASSERT(err == MACH_RCV_TIMED_OUT, "the load was refused");
  ASSERT(loaded, "the load is not done");
  return 0;
}
