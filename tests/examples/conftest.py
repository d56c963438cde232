"""The board `local` with an empty store, as the tests of the agent have it."""

from tests.agent.conftest import built_agent as built_agent
from tests.agent.conftest import faulty_agent as faulty_agent
from tests.agent.conftest import local as local
