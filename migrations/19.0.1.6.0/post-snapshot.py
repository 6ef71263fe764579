"""Store what each call dialled, so a change of a call flow does not change the history."""

BATCH = 50_000


def migrate(cr, version):
    """Give each call a snapshot of its call flow's present state.

    Calls that no report can change any more need none. In batches, as there may be millions.

    :param cr: the database's cursor
    :param str version: the version that was installed
    """
    cr.execute("SELECT min(id), max(id) FROM ccp_call")
    first, last = cr.fetchone()
    if first is None:
        return
    for start in range(first, last + 1, BATCH):
        cr.execute(
            """
            UPDATE ccp_call call
               SET dialled = jsonb_build_object(
                       'agent_numbers', to_jsonb(array_remove(
                           ARRAY[source.agent_number, source.agent_second_number]::text[]
                           || string_to_array(source.agent_further_numbers, ' '), NULL)),
                       'customer_numbers', to_jsonb(array_remove(
                           ARRAY[source.customer_number, source.customer_second_number]::text[]
                           || string_to_array(source.customer_further_numbers, ' '), NULL)),
                       'agent_name', COALESCE(flow.agent_name, ''),
                       'customer_name', COALESCE(flow.customer_name, ''),
                       'agent_component', COALESCE(flow.agent_component, ''),
                       'customer_component', COALESCE(flow.customer_component, ''),
                       'incoming', source.direction IS NOT DISTINCT FROM 'inbound',
                       'agent_pool', COALESCE(source.agent_pool, '') <> '')
              FROM ccp_call source
              LEFT JOIN ccp_call_flow flow
                     ON flow.id = source.flow_id
             WHERE call.id = source.id
               AND source.id BETWEEN %s AND %s
               AND call.dialled IS NULL
               AND source.manual IS NOT TRUE
               AND source.reports_deleted IS NOT TRUE
            """,
            (start, start + BATCH - 1),
        )
