-- The monthly recurring revenue (MRR) at the end of each month (UTC), by account and currency; of the present month, as it is now.
--
-- Counts the items of subscriptions that are `active` or `past_due`: quantity times unit amount, in the currency's main unit, before
-- discounts and taxes. A year is 12 months, 52 weeks or 365 days. Trials, metered prices and tiers have no fixed amount:
-- `items_without_amount` counts the items of the last two. The first month is that of the first change; what was before, no
-- delivery tells.
, subscription_states AS (
    SELECT
        _tenant, id, status, currency, _penstock_deleted,
        coalesce(_version, _event_time, _received_at) AT TIME ZONE 'UTC' AS starts_at,
        lead(coalesce(_version, _event_time, _received_at)) OVER subscription_changes AT TIME ZONE 'UTC' AS ends_at
    FROM subscriptions
    WINDOW subscription_changes AS (PARTITION BY _key ORDER BY _emitted_at, _raw_offset, _event_id)
), item_states AS (
    SELECT
        _tenant, id, _penstock_deleted,
        coalesce(subscription, subscription_id) AS subscription,
        coalesce(quantity, 1) AS quantity,
        CAST(coalesce(
            price ->> 'unit_amount_decimal', price ->> 'unit_amount', plan ->> 'amount_decimal', plan ->> 'amount'
        ) AS DOUBLE PRECISION) AS unit_amount,
        coalesce(price ->> 'currency', plan ->> 'currency') AS currency,
        coalesce((price -> 'recurring') ->> 'interval', plan ->> 'interval') AS unit,
        CAST(coalesce((price -> 'recurring') ->> 'interval_count', plan ->> 'interval_count', '1') AS DOUBLE PRECISION) AS units,
        coalesce((price -> 'recurring') ->> 'usage_type', plan ->> 'usage_type') AS usage_type,
        coalesce(_version, _event_time, _received_at) AT TIME ZONE 'UTC' AS starts_at,
        lead(coalesce(_version, _event_time, _received_at)) OVER item_changes AT TIME ZONE 'UTC' AS ends_at
    FROM items
    WINDOW item_changes AS (PARTITION BY _key ORDER BY _emitted_at, _raw_offset, _event_id)
), item_amounts AS (
    SELECT
        item_states.*,
        CASE WHEN usage_type = 'metered' THEN NULL ELSE unit_amount * quantity / units * CASE unit
            WHEN 'month' THEN 1.0
            WHEN 'year' THEN 1 / 12.0
            WHEN 'week' THEN 52 / 12.0
            WHEN 'day' THEN 365 / 12.0
        END END AS minor_units
    FROM item_states
    WHERE NOT _penstock_deleted
), months AS (
    SELECT date_trunc('month', min(starts_at)) AS month FROM item_states
    UNION ALL
    SELECT month + INTERVAL '1 month' FROM months WHERE month + INTERVAL '1 month' <= now() AT TIME ZONE 'UTC'
), counted AS (
    SELECT
        months.month,
        s._tenant,
        lower(coalesce(i.currency, s.currency)) AS currency,
        s.id AS subscription,
        i.minor_units
    FROM months
    JOIN subscription_states AS s
        ON s.starts_at < months.month + INTERVAL '1 month'
        AND (s.ends_at IS NULL OR s.ends_at >= months.month + INTERVAL '1 month')
    JOIN item_amounts AS i
        ON i._tenant = s._tenant
        AND i.subscription = s.id
        AND i.starts_at < months.month + INTERVAL '1 month'
        AND (i.ends_at IS NULL OR i.ends_at >= months.month + INTERVAL '1 month')
    WHERE NOT s._penstock_deleted AND s.status IN ('active', 'past_due')
), summed AS (
    SELECT
        month,
        _tenant,
        currency,
        coalesce(sum(minor_units), 0) AS minor_units,
        count(DISTINCT subscription) AS subscriptions,
        count(*) FILTER (WHERE minor_units IS NULL) AS items_without_amount
    FROM counted
    GROUP BY 1, 2, 3
)
SELECT
    CAST(month AS DATE) AS month,
    _tenant,
    currency,
    -- Source: docs.stripe.com/currencies: currencies without decimals and those with three; isk and ugx are sent with two.
    CASE
        WHEN currency IN (
            'bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv', 'xaf', 'xof', 'xpf'
        ) THEN CAST(round(CAST(minor_units AS DECIMAL(38, 6)), 0) AS DECIMAL(38, 3))
        WHEN currency IN ('bhd', 'jod', 'kwd', 'omr', 'tnd')
            THEN CAST(round(CAST(minor_units / 1000 AS DECIMAL(38, 6)), 3) AS DECIMAL(38, 3))
        ELSE CAST(round(CAST(minor_units / 100 AS DECIMAL(38, 6)), 2) AS DECIMAL(38, 3))
    END AS mrr,
    subscriptions,
    items_without_amount
FROM summed
