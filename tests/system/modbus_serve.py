"""A Modbus server of pymodbus, over TCP or RTU, with what the versions of Debian 12 and 13 both have."""
import logging

from pymodbus.datastore import ModbusServerContext
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer

try:
    from pymodbus import FramerType
    RTU = FramerType.RTU
except ImportError:  # before 3.7
    from pymodbus.transaction import ModbusRtuFramer as RTU

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # refusals are part of it
BAUD = 115200


class Slave:
    """What pymodbus asks of a device."""

    def validate(self, function, address, count=1):
        raise NotImplementedError

    def getValues(self, function, address, count=1):
        raise NotImplementedError

    def setValues(self, function, address, values):
        raise NotImplementedError

    async def async_getValues(self, function, address, count=1):
        return self.getValues(function, address, count)

    async def async_setValues(self, function, address, values):
        return self.setValues(function, address, values)

    def reset(self):
        pass


async def serve(slaves, where):
    """Serves {unit: Slave} for ever at a TCP port of the loopback, or at a serial line."""
    context = ModbusServerContext(slaves, False)
    if str(where).startswith("/"):
        await StartAsyncSerialServer(context=context, framer=RTU, port=str(where), baudrate=BAUD,
                                     ignore_missing_slaves=True)
    else:
        await StartAsyncTcpServer(context=context, address=("127.0.0.1", int(where)))
