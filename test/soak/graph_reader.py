"""Makes delta rounds with msgraph-sdk, once for each line of its input, and prints what it then holds: python graph_reader.py <origin> <token> <calendar> <start> <end>."""
import asyncio
import json
import sys

from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator, BaseBearerTokenAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.users.item.calendars.item.calendar_view.delta.delta_request_builder import DeltaRequestBuilder


class Token(AccessTokenProvider):
    def __init__(self, token: str) -> None:
        self._token = token

    async def get_authorization_token(self, uri, additional_authentication_context=None) -> str:
        return self._token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return AllowedHostsValidator([])


async def main(origin: str, token: str, calendar: str, start: str, end: str) -> None:
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Token(token)))
    adapter.base_url = f"{origin}v1.0"
    client = GraphServiceClient(request_adapter=adapter)
    delta = client.me.calendars.by_calendar_id(calendar).calendar_view.delta
    query = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(start_date_time=start, end_date_time=end)
    held, unknown, link = {}, set(), None
    while await asyncio.to_thread(sys.stdin.readline):
        settings = RequestConfiguration(query_parameters=query if link is None else None)
        settings.headers.add("Prefer", 'IdType="ImmutableId", outlook.timezone="UTC", odata.maxpagesize=3')
        page = await (delta if link is None else delta.with_url(link)).get(settings)
        pages = 1
        while True:
            for row in page.value:
                unknown.update(row.additional_data)
                if "@removed" in row.additional_data:
                    held.pop(row.id, None)
                else:
                    held[row.id] = [row.type.value, row.subject, row.start.date_time, row.series_master_id]
            if page.odata_next_link is None:
                break
            page, pages = await delta.with_url(page.odata_next_link).get(settings), pages + 1
        link = page.odata_delta_link
        print(json.dumps({"pages": pages, "events": held, "unknown": sorted(unknown)}), flush=True)


asyncio.run(main(*sys.argv[1:6]))
