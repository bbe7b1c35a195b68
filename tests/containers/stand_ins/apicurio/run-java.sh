#!/bin/bash
cd "$JAVA_APP_DIR"
exec java -XX:MaxRAMPercentage=80.0 ${JAVA_OPTIONS:-} ${JAVA_OPTS:-} ${JAVA_OPTS_APPEND:-} -jar quarkus-run.jar
