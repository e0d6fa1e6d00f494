"""One project for all of these tests, theirs to break: each mends what it has broken."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.ops.doctor.own_project import OwnProject, own_project


@pytest.fixture(scope="package")
async def project() -> AsyncIterator[OwnProject]:
    async with own_project() as project:
        yield project
