"""Files as the European Central Bank makes them."""

DAILY_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
\t<gesmes:subject>Reference rates</gesmes:subject>
\t<gesmes:Sender>
\t\t<gesmes:name>European Central Bank</gesmes:name>
\t</gesmes:Sender>
\t<Cube>
\t\t<Cube time='2026-11-27'>
\t\t\t<Cube currency='USD' rate='1.0842'/>
\t\t\t<Cube currency='JPY' rate='163.15'/>
\t\t\t<Cube currency='IDR' rate='17216.43'/>
\t\t</Cube>
\t</Cube>
</gesmes:Envelope>"""

DAILY_CSV = b"Date, USD, JPY, IDR, \n27 November 2026, 1.0842, 163.15, 17216.43, \n"

HISTORICAL_CSV = (
    b"Date,USD,JPY,CYP,IDR,\n"
    b"2026-11-27,1.0842,163.15,N/A,17216.43,\n"
    b"2026-11-26,1.0810,162.90,N/A,17190.05,\n"
    b"1999-01-04,1.1789,133.73,0.58231,N/A,\n"
)
