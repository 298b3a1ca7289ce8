#include "drivers/worker/lock.h"

bool lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attribute;
	int error;

	if (pthread_mutexattr_init(&attribute) != 0)
		return false;
	error = pthread_mutexattr_setprotocol(&attribute, PTHREAD_PRIO_INHERIT);
	if (!error)
		error = pthread_mutex_init(lock, &attribute);
	pthread_mutexattr_destroy(&attribute);
	return !error;
}
