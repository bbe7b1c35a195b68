#!/bin/bash
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} ${KAFKA_JVM_PERFORMANCE_OPTS:-} -Dlog4j2.level=WARN -cp '/opt/kafka/libs/*' "$@"
