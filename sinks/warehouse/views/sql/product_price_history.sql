-- Each price that a variant of a product has had, and from when to when.
--
-- A row is a period in which `price` and `compare_at_price` stayed as they were; `change` is the difference to the price before.
-- A deleted variant's last period ends with its deletion, and one that comes back begins anew, without `previous_price`.
, states AS (
    SELECT
        variants.*,
        coalesce(_version, _event_time, _received_at) AS starts_at,
        lag(price) OVER changes AS earlier_price,
        lag(compare_at_price) OVER changes AS earlier_compare_at_price,
        lag(_penstock_deleted) OVER changes AS was_deleted
    FROM variants
    WHERE price IS NOT NULL OR _penstock_deleted
    WINDOW changes AS (PARTITION BY _key ORDER BY _emitted_at, _raw_offset, _event_id)
), turns AS (
    SELECT states.*, lead(starts_at) OVER (PARTITION BY _key ORDER BY _emitted_at, _raw_offset, _event_id) AS next_at
    FROM states
    WHERE
        was_deleted IS NULL
        OR was_deleted <> _penstock_deleted
        OR price IS DISTINCT FROM earlier_price
        OR compare_at_price IS DISTINCT FROM earlier_compare_at_price
)
SELECT
    turns._tenant,
    turns.product_id,
    products.title AS product,
    turns.id AS variant_id,
    turns.title AS variant,
    turns.sku,
    turns.price,
    turns.compare_at_price,
    CASE WHEN turns.was_deleted THEN NULL ELSE turns.earlier_price END AS previous_price,
    turns.price - CASE WHEN turns.was_deleted THEN NULL ELSE turns.earlier_price END AS change,
    turns.starts_at AS valid_from,
    CASE WHEN turns.next_at < turns.starts_at THEN turns.starts_at ELSE turns.next_at END AS valid_to,
    turns.next_at IS NULL AS is_current
FROM turns
LEFT JOIN products ON products._tenant = turns._tenant AND products.id = turns.product_id
WHERE NOT turns._penstock_deleted
